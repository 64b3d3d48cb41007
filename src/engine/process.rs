//! What this process has used since it started, as the kernel counts it. What the kernel does not tell is 0.

use std::fs;

/// The kernel counts processor time for programs in hundredths of a second, on every platform that this runs on.
const MS_A_TICK: u64 = 10;

/// Processor time of all threads, in user and kernel mode.
pub(super) fn cpu_ms() -> u64 {
    fs::read_to_string("/proc/self/stat").ok().and_then(|text| ticks(&text)).unwrap_or(0) * MS_A_TICK
}

/// Bytes that this process caused to be written to disks.
pub(super) fn written_bytes() -> u64 {
    fs::read_to_string("/proc/self/io").ok().and_then(|text| written(&text)).unwrap_or(0)
}

fn ticks(stat: &str) -> Option<u64> {
    // The name of the program, in brackets, may hold anything; user and system time are the 12th and 13th field behind it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

fn written(io: &str) -> Option<u64> {
    io.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_are_found_behind_a_name_with_anything_in_it() {
        let stat = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("nonsense"), None);
    }

    #[test]
    fn written_bytes_are_found_by_their_name() {
        assert_eq!(written("rchar: 1\nwchar: 2\nwrite_bytes: 4096\ncancelled_write_bytes: 0\n"), Some(4_096));
        assert_eq!(written("rchar: 1\n"), None);
    }

    #[test]
    fn this_very_process_has_used_something() {
        let mut sum = 0_u64;
        while cpu_ms() == 0 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }
}
