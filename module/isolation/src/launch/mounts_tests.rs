use std::os::unix::fs::symlink;

use super::*;

const NOEXEC: u32 = 1 << 3;
const NOATIME: u32 = 1 << 10;
const RELATIME: u32 = 1 << 21;
const STRICTATIME: u32 = 1 << 24;

/// A folder with `etc`, `data/inner`, `work/box` and a few links.
fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for folder in ["etc", "data/inner", "work/box"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    fs::write(root.path().join("etc/hosts"), "").unwrap();
    for (link, target) in [
        ("absolute", "/etc"),
        ("out", "../../../../../../../../etc"),
        ("circle", "circle"),
        ("on", "absolute/hosts"),
    ] {
        symlink(target, root.path().join(link)).unwrap();
    }
    root
}

/// A table with these mount points and options. All are mounted on one that is not in it.
fn table(entries: &[(&Path, &str)]) -> MountTable {
    let line = |(id, (point, options)): (usize, &(&Path, &str))| {
        // A parent of its own for each, so that none is in another's way.
        format!("{} {} 0:21 / {} {options} - ext4 /dev/vda rw", id + 1, id + 1000, point.display())
    };
    let lines: Vec<String> = entries.iter().enumerate().map(line).collect();
    MountTable::parse(lines.join("\n").as_bytes()).unwrap()
}

fn paths(paths: &[&Path]) -> BTreeSet<String> {
    paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect()
}

fn sizes(sizes: &[(&Path, u64)]) -> BTreeMap<String, u64> {
    sizes.iter().map(|(path, size)| (path.to_str().unwrap().to_owned(), *size)).collect()
}

/// Targets and flags of what is done.
fn brief(mounts: &[Mount]) -> Vec<(&Path, u32)> {
    mounts.iter().map(|mount| (mount.target.as_path(), mount.flags)).collect()
}

const READ_ONLY: u32 = REMOUNT | BIND | RDONLY;

#[test]
fn links_of_an_image_do_not_lead_out_of_it() {
    let root = tree();
    let found = |path: &str| resolve(root.path(), Path::new(path)).unwrap();
    for path in ["/etc", "etc/", "/absolute", "/out", "/data/../../../etc", "//etc/."] {
        assert_eq!(found(path), root.path().join("etc"), "{path}");
    }
    assert_eq!(found("/on"), root.path().join("etc/hosts"));
    assert_eq!(found("/missing/deep"), root.path().join("missing/deep"));
    assert_eq!(found("/"), root.path());
    assert_eq!(resolve(root.path(), Path::new("/circle/x")).unwrap_err().to_string(), "too many links");
}

#[test]
fn folder_is_bound_to_itself_and_keeps_the_flags_of_its_mount() {
    let root = tree();
    let etc = root.path().join("etc");
    let table = table(&[(Path::new("/"), "rw,relatime"), (root.path(), "rw,nosuid,nodev,noatime")]);
    let files = Files { rootfs: None, sandbox: Path::new("/nowhere") };
    let mounts = plan(&paths(&[&etc]), &BTreeMap::new(), files, &table).unwrap();
    assert_eq!(brief(&mounts), [(&*etc, BIND | REC), (&*etc, READ_ONLY | NOSUID | NODEV | NOATIME)]);
    assert_eq!(mounts[0].source, Some(etc));
    assert_eq!((&mounts[1].source, &mounts[1].fstype, &mounts[1].options), (&None, &None, &None));
}

#[test]
fn mount_point_is_only_made_read_only_and_so_is_what_is_mounted_below() {
    let root = tree();
    let (data, inner) = (root.path().join("data"), root.path().join("data/inner"));
    let table = table(&[(&data, "rw,relatime"), (&inner, "rw,noexec"), (root.path(), "rw")]);
    let files = Files { rootfs: None, sandbox: Path::new("/nowhere") };
    let mounts = plan(&paths(&[&data]), &BTreeMap::new(), files, &table).unwrap();
    let expected = [(&*data, READ_ONLY | RELATIME), (&*inner, READ_ONLY | NOEXEC | STRICTATIME)];
    assert_eq!(brief(&mounts), expected);
}

#[test]
fn sandbox_below_a_read_only_path_stays_writable() {
    let root = tree();
    let (work, sandbox) = (root.path().join("work"), root.path().join("work/box"));
    let table = table(&[(root.path(), "rw,relatime"), (&sandbox.join("volume"), "rw,relatime")]);
    let files = Files { rootfs: None, sandbox: &sandbox };
    let mounts = plan(&paths(&[&work]), &BTreeMap::new(), files, &table).unwrap();
    let expected = [(&*sandbox, BIND | REC), (&*work, BIND | REC), (&*work, READ_ONLY | RELATIME)];
    assert_eq!(brief(&mounts), expected);
}

#[test]
fn kernels_file_systems_stay_writable_unless_they_are_named() {
    let points = ["/", "/dev", "/dev/shm", "/proc", "/sys/fs/cgroup", "/home"];
    let table = table(&points.map(|point| (Path::new(point), "rw,relatime")));
    let files = Files { rootfs: None, sandbox: Path::new("/nowhere") };
    let targets = |path: &str| -> Vec<PathBuf> {
        let mounts = plan(&BTreeSet::from([path.to_owned()]), &BTreeMap::new(), files, &table).unwrap();
        mounts.into_iter().map(|mount| mount.target).collect()
    };
    assert_eq!(targets("/"), [Path::new("/nowhere"), Path::new("/"), Path::new("/home")]);
    assert_eq!(targets("/dev"), [Path::new("/dev"), Path::new("/dev/shm")]);
}

#[test]
fn file_system_in_memory_lies_inside_a_read_only_path_and_hides_what_was_mounted_there() {
    let root = tree();
    let (data, inner) = (root.path().join("data"), root.path().join("data/inner"));
    let table = table(&[(root.path(), "rw,relatime"), (&inner, "rw,relatime")]);
    let files = Files { rootfs: None, sandbox: Path::new("/nowhere") };
    let mounts = plan(&paths(&[&data]), &sizes(&[(&inner, 4096)]), files, &table).unwrap();
    let expected = [(&*data, BIND | REC), (&*data, READ_ONLY | RELATIME), (&*inner, NOSUID | NODEV)];
    assert_eq!(brief(&mounts), expected);
    let last = mounts.last().unwrap();
    assert_eq!((last.fstype, last.options.as_deref()), (Some("tmpfs"), Some("size=4096,mode=1777")));
}

#[test]
fn paths_of_an_image_are_below_its_root_and_missing_folders_are_made() {
    let root = tree();
    let sandbox = root.path().join("mnt/mesos/sandbox");
    let files = Files { rootfs: Some(root.path()), sandbox: &sandbox };
    let paths = paths(&[Path::new("/absolute")]);
    let sizes = sizes(&[(Path::new("/scratch/new"), 1)]);
    let mounts = plan(&paths, &sizes, files, &MountTable::default()).unwrap();
    let etc = root.path().join("etc");
    let scratch = root.path().join("scratch/new");
    let expected = [(&*etc, BIND | REC), (&*etc, READ_ONLY | RELATIME), (&*scratch, NOSUID | NODEV)];
    assert_eq!(brief(&mounts), expected);
}

#[test]
fn paths_where_nothing_can_be_mounted_are_refused_with_a_reason() {
    let root = tree();
    let sandbox = root.path().join("work/box");
    let host = Files { rootfs: None, sandbox: &sandbox };
    let image = Files { rootfs: Some(root.path()), sandbox: &sandbox };
    let inside = |path: &str| root.path().join(path);
    let none = (BTreeSet::new(), BTreeMap::new());
    let refusal = |read_only: &BTreeSet<String>, tmpfs: &BTreeMap<String, u64>, files| {
        plan(read_only, tmpfs, files, &MountTable::default()).unwrap_err().to_string()
    };
    let missing = refusal(&paths(&[&inside("missing")]), &none.1, host);
    assert!(missing.starts_with("read_only: /") && missing.contains("missing does not exist"), "{missing}");
    let missing = refusal(&none.0, &sizes(&[(&inside("missing"), 1)]), host);
    assert!(missing.starts_with("tmpfs: /") && missing.contains("does not exist"), "{missing}");
    let file = refusal(&none.0, &sizes(&[(&inside("etc/hosts"), 1)]), host);
    assert!(file.ends_with("etc/hosts is not a folder"), "{file}");
    let hidden = refusal(&none.0, &sizes(&[(&inside("work"), 1)]), host);
    assert!(hidden.contains("would hide the container's sandbox"), "{hidden}");
    let empty = refusal(&paths(&[&inside("data/inner")]), &sizes(&[(&inside("data"), 1)]), host);
    assert!(empty.contains("which is empty"), "{empty}");
    let whole = refusal(&paths(&[Path::new("/")]), &none.1, image);
    assert!(whole.starts_with("read_only: the root of an image"), "{whole}");
    let circle = refusal(&paths(&[Path::new("/circle")]), &none.1, image);
    assert!(circle.contains("/circle cannot be looked at: too many links"), "{circle}");
    let file_above = refusal(&paths(&[Path::new("/etc/hosts/x")]), &none.1, image);
    assert!(file_above.contains("/etc/hosts/x cannot be looked at: Not a directory"), "{file_above}");
}
