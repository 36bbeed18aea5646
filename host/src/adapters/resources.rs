//! The machine resources available to this process.

use std::path::{Path, PathBuf};

/// The memory assumed if the machine doesn't say how much it has.
const ASSUMED_MEMORY: usize = 4 * 1024 * 1024 * 1024;

/// Where Linux mounts control groups.
const GROUPS: &str = "/sys/fs/cgroup";

/// Returns the bytes of memory available to this process: the machine's total, or the limit of its
/// container or service if that is lower.
pub(crate) fn memory() -> usize {
    let group = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = limit_files(&group, Path::new(GROUPS)).into_iter();
    let limit = limits.filter_map(|file| limit(&std::fs::read_to_string(file).ok()?)).min();
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    machine.into_iter().chain(limit).min().unwrap_or(ASSUMED_MEMORY)
}

/// Returns the number of cores available to this process.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Returns the files that may limit this process: those of its control group and of each one above
/// it, for both cgroup versions.
fn limit_files(group: &str, root: &Path) -> Vec<PathBuf> {
    let mut files = vec![root.join("memory/memory.limit_in_bytes")];
    let own = group.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    // A container sees its own group as the root; a path seen from outside may lead out of what is
    // mounted.
    let own = own.trim_start_matches("../");
    files.extend(Path::new(own).ancestors().map(|group| root.join(group).join("memory.max")));
    files
}

/// Parses a limit in bytes. `None` means no limit.
fn limit(text: &str) -> Option<usize> {
    text.trim().parse().ok()
}

/// Parses the total memory from `/proc/meminfo`.
fn total(text: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_the_machine_and_of_its_groups_is_read() {
        assert_eq!(total("MemTotal:       24036420 kB\nMemFree:  1 kB\n"), Some(24_036_420 * 1024));
        assert_eq!(total("MemFree:  1 kB\n"), None);
        assert_eq!((limit("536870912\n"), limit("max\n"), limit("")), (Some(536_870_912), None, None));
        let shown = |group: &str| -> Vec<String> {
            limit_files(group, Path::new("/g")).iter().map(|file| file.display().to_string()).collect()
        };
        let first = "/g/memory/memory.limit_in_bytes";
        assert_eq!(shown(""), [first, "/g/memory.max"]);
        assert_eq!(
            shown("1:name=systemd:/x\n0::/system.slice/flightdeck.service\n"),
            [first, "/g/system.slice/flightdeck.service/memory.max", "/g/system.slice/memory.max", "/g/memory.max"]
        );
        assert!(memory() > 0 && cores() > 0);
    }
}
