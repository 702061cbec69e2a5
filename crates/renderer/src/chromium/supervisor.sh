# Parent of one browser, in a process group of its own: hands it the debugging pipe, limits its memory, and clears up
# after it however it or the tool ends. The pipe closes with the tool, even by kill -9; then the browser goes by itself.
tool=$1
profile=$2
memory_in_kib=$3
shift 3
ulimit -d "$memory_in_kib" 2>/dev/null
# Temporary files of its own go with the profile, unless the path of its socket there were longer than the system allows.
[ "${#profile}" -gt 60 ] || export TMPDIR="$profile"
# Whether the tool lives. One that is another user may not be asked by a signal, but stays our parent as long as it lives.
tool_lives() {
  [ -r "/proc/$$/status" ] || { kill -0 "$tool" 2>/dev/null; return; }
  while read -r name value; do
    [ "$name" != PPid: ] || { [ "$value" = "$tool" ]; return; }
  done <"/proc/$$/status"
}
# A browser that hangs or is stuck in a drawing does not notice the pipe: some seconds after the tool it goes all the same.
(
  while tool_lives; do sleep 2; done
  sleep 5
  rm -rf -- "$profile"
  kill -s KILL -- "-$$"
) </dev/null >/dev/null 2>&1 &
"$@" 3<&0 4>&1 </dev/null >/dev/null
rm -rf -- "$profile" 2>/dev/null
kill -s KILL -- "-$$"
