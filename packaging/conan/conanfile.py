# The recipe of bulwark for Conan 2: `conan create packaging/conan` from a checkout builds it and runs test_package.
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

required_conan_version = ">=2.0"


class BulwarkConan(ConanFile):
    name = "bulwark"
    description = "Lock-free circuit breakers and bulkheads for C++20"
    topics = ("circuit-breaker", "bulkhead", "resilience", "lock-free")
    package_type = "library"
    settings = "os", "compiler", "build_type", "arch"
    options = {"shared": [True, False]}
    default_options = {"shared": False, "boost/*:header_only": True}

    @property
    def _checkout(self):
        return os.path.join(self.recipe_folder, os.pardir, os.pardir)

    def set_version(self):
        # The header is the one place that has the version.
        header = load(self, os.path.join(self._checkout, "include", "bulwark", "version.hpp"))
        numbers = re.findall(r"#define BULWARK_VERSION_\w+ (\d+)", header)
        self.version = self.version or ".".join(numbers)

    def export_sources(self):
        for part in ("CMakeLists.txt", "cmake/*", "include/*", "lib/*"):
            copy(self, part, src=self._checkout, dst=self.export_sources_folder)

    def validate(self):
        check_min_cppstd(self, 20)

    def requirements(self):
        # Its headers include those of Boost.
        self.requires("boost/[>=1.81]", transitive_headers=True)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["BULWARK_INSTALL"] = True
        for part in ("TESTS", "STRESS", "EXAMPLES"):
            toolchain.cache_variables["BULWARK_BUILD_" + part] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        # Conan writes these itself, from package_info().
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))

    def package_info(self):
        self.cpp_info.libs = ["bulwark"]
        self.cpp_info.set_property("cmake_file_name", "bulwark")
        self.cpp_info.set_property("cmake_target_name", "bulwark::bulwark")
        self.cpp_info.set_property("pkg_config_name", "bulwark")
        self.cpp_info.requires = ["boost::headers"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread", "dl"]
