// Which of the program's own pages are in memory.
#pragma once

namespace agent::io {

// Reads in the rest of tandemd's own code, which a failover must not wait for. On a kernel before
// 5.14 it comes when it is needed.
void read_in_own_code();

// Gives back pages of libraries and of tables that were read once (by the linker, a handshake, the
// reader of the configuration) and locked with the rest. Only pages that are as they are in their
// files: whoever needs one again finds it there, mostly in the page cache. Takes some milliseconds,
// not the loop's. Without /proc, or on a kernel before 5.18, locked pages stay.
void give_back_pages();

}  // namespace agent::io
