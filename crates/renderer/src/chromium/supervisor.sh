# Parent of one browser, in a process group of its own: hands it the debugging pipe, limits its memory, and clears up
# after it however it or the tool ends. The pipe closes with the tool, even by kill -9; then the browser goes by itself.
profile=$1
memory_in_kib=$2
shift 2
ulimit -d "$memory_in_kib" 2>/dev/null
"$@" 3<&0 4>&1 </dev/null >/dev/null
rm -rf -- "$profile"
kill -s KILL -- "-$$"
