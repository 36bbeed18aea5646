use std::time::{Duration, SystemTime};

use super::*;

fn folder_with(files: &[(&str, u64)]) -> (tempfile::TempDir, PathBuf) {
    let data_dir = tempfile::tempdir().unwrap();
    let folder = data_dir.path().join("recordings/acme");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, age) in files {
        let path = folder.join(name);
        std::fs::write(&path, "{}").unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(*age)).unwrap();
    }
    (data_dir, folder)
}

fn left(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_latest_calls_are_kept_and_reads_never_push_changes_out() {
    let mut files: Vec<(String, u64)> =
        (0..50).map(|age| (format!("op_{age:02}.create-media-buy.json"), age)).collect();
    files.extend((0..20).map(|age| (format!("read_{age:02}.check-status.json"), age)));
    let named: Vec<(&str, u64)> = files.iter().map(|(name, age)| (name.as_str(), *age)).collect();
    let (data_dir, folder) = folder_with(&named);
    sweep(&folder).unwrap();
    let names = left(&folder);
    let changes: Vec<&String> = names.iter().filter(|name| name.starts_with("op_")).collect();
    assert_eq!((changes.len(), names.len() - changes.len()), (CHANGES, READS));
    assert_eq!(
        (changes[0].as_str(), changes[39].as_str()),
        ("op_00.create-media-buy.json", "op_39.create-media-buy.json")
    );
    let list = Kept::within(data_dir.path()).list().unwrap();
    assert_eq!((list.len(), list[0].platform.as_str()), (CHANGES + READS, "acme"));
    assert!(list[0].operation.ends_with("_00"), "the latest is first");
}

#[test]
fn what_is_old_or_unfinished_goes_and_what_is_not_a_call_stays() {
    let week = KEPT_FOR.as_secs();
    let (_data_dir, folder) = folder_with(&[
        ("op_1.plan.json", week + 60),
        ("op_2.plan.json", week - 60),
        ("op_3.plan.1234.new", 7_200),
        ("op_4.plan.1234.new", 1),
        ("notes.txt", week + 60),
        ("op_5.make-buy.json", 1),
    ]);
    sweep(&folder).unwrap();
    assert_eq!(left(&folder), ["notes.txt", "op_2.plan.json", "op_4.plan.1234.new", "op_5.make-buy.json"]);
}

#[test]
fn nothing_is_kept_where_nothing_was() {
    let data_dir = tempfile::tempdir().unwrap();
    assert!(Kept::within(data_dir.path()).list().unwrap().is_empty());
    assert!(left(data_dir.path()).is_empty(), "no folder is made");
}
