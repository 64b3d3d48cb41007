//! The `oncelog` program: its allocator, and the library's entry.

use std::process::ExitCode;

// RocksDB's C++ takes its memory here, too: the feature replaces malloc itself.
#[cfg(not(feature = "chaos"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    oncelog::program::main()
}
