// Implements program.hpp.
#include "program.hpp"

#include "child.hpp"
#include "surroundings.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

namespace integration {

int run_program(int argc, const char* const* argv, const std::string& about,
                const std::function<bool(const std::filesystem::path& results)>& body) {
    CLI::App app(about);
    std::filesystem::path results;
    app.add_option("--out", results, "The folder for tables and curves")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    unwind_on_signals();
    try {
        std::filesystem::create_directories(results);
        return body(results) ? 0 : 1;
    } catch (const skipped& absent) {
        std::cout << "skipped: " << absent.why << '\n';
        return skipped_code;
    } catch (const interrupted&) {
        std::cerr << "interrupted\n";
        return 130;
    } catch (const std::exception& error) {
        std::cerr << app.get_name() << ": " << error.what() << '\n';
        return 1;
    }
}

}  // namespace integration
