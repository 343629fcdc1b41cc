# Run by gdb: at each stop of subject.cpp, what the printers show against what the program says of itself.
# Leaves gdb with 0 where all agree, 1 where not, 77 (skipped) where gdb may not run a program here.
import gdb

stops = 0
wrong = []


class Stop(gdb.Breakpoint):
    def stop(self):
        global stops
        stops += 1
        frame = gdb.newest_frame()
        expression = frame.read_var("expression").string()
        wanted = frame.read_var("text").string()
        frame.older().select()
        try:
            shown = gdb.execute("output " + expression, to_string=True)
        except gdb.error as error:
            shown = "error: {}".format(error)
        if shown != wanted:
            wrong.append("stop {}: {}\n  gdb says     {}\n  the program  {}".format(stops, expression, shown, wanted))
        return False


gdb.execute("set confirm off")
gdb.execute("set pagination off")
gdb.execute("set print thread-events off")
Stop("bulwark_gdb_stop")
try:
    gdb.execute("run", to_string=True)
except gdb.error as error:
    print("gdb.printers: skipped: gdb cannot run a program here: {}".format(error))
    gdb.execute("quit 77")
ended = gdb.parse_and_eval("$_exitcode")
if ended.type.code == gdb.TYPE_CODE_VOID or int(ended) != 0:
    wrong.append("the program did not end as it should: $_exitcode = {}".format(ended))
for what in wrong:
    print(what)
print("gdb.printers: {} stops, {} wrong".format(stops, len(wrong)))
gdb.execute("quit {}".format(1 if wrong or stops < 40 else 0))
