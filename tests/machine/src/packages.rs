//! Debian's kernel and busybox: fetched by the user's own apt, unpacked below the cache folder, never installed.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use apportion_rig::cache::{Cache, CacheLock};
use apportion_rig::program::{self, Wanted};

use crate::error::MachineError;

/// Depends on the newest kernel for virtual machines of the system's release.
const KERNEL: &str = "linux-image-cloud-amd64";
/// Shell and tools in one program that needs no library.
const BUSYBOX: &str = "busybox-static";
/// 30 MB over a slow line.
const FETCH_LIMIT: Duration = Duration::from_secs(15 * 60);
const UNPACK_LIMIT: Duration = Duration::from_secs(2 * 60);

/// The unpacked packages.
#[derive(Debug, Clone)]
pub(crate) struct Packages {
    /// The kernel's image.
    pub(crate) kernel: PathBuf,
    /// Folder of the kernel's modules, none of them compressed.
    pub(crate) modules: PathBuf,
    /// The program.
    pub(crate) busybox: PathBuf,
}

/// The packages, fetched and unpacked when they are not in the cache. What is there stays as it is: to get a newer
/// kernel, remove the folder `machine-packages`.
///
/// # Errors
/// Apt or dpkg are missing or fail; a package without the files that are wanted.
pub(crate) fn provide(
    cache: &Cache,
    lock: &CacheLock,
    search_path: &OsStr,
    progress: &mut dyn FnMut(&str),
) -> Result<Packages, MachineError> {
    // The cache takes errors of the rig only.
    let mut failed = None;
    let made = cache.entry("machine-packages", lock, |folder| {
        fill(folder, search_path, progress).map_err(|error| {
            let told = apportion_rig::RigError::Fetch { detail: error.to_string() };
            failed = Some(error);
            told
        })
    });
    match (failed, made) {
        (Some(error), _) => Err(error),
        (None, made) => in_folder(&made?),
    }
}

fn fill(folder: &Path, search_path: &OsStr, progress: &mut dyn FnMut(&str)) -> Result<(), MachineError> {
    progress("fetching a kernel and busybox from Debian");
    let source = Source {
        search_path,
        given: env::var_os("APPORTION_MACHINE_PACKAGES").filter(|value| !value.is_empty()).map(PathBuf::from),
    };
    let meta = source.fetch(KERNEL, folder)?;
    let kernel = source.dependency(&meta)?;
    let packages = [source.fetch(&kernel, folder)?, source.fetch(BUSYBOX, folder)?];
    for package in packages.iter().chain([&meta]) {
        source.run(package, "dpkg-deb", ["--extract".into(), package.into(), folder.into()])?;
        fs::remove_file(package).map_err(MachineError::io("remove", package))?;
    }
    let modules = in_folder(folder)?.modules;
    // The loader inside takes them as they are on the disk of a current kernel only.
    let decompress = r#"find "$1" -name '*.ko.xz' -exec xz --decompress {} +"#;
    source.run(
        &modules,
        "sh",
        ["-c", decompress, "sh"].map(OsString::from).into_iter().chain([modules.clone().into()]),
    )
}

/// Where packages come from.
struct Source<'a> {
    search_path: &'a OsStr,
    /// A folder that holds them; apt fetches without it.
    given: Option<PathBuf>,
}

impl Source<'_> {
    /// Path of a package's file, which is now in `folder`.
    fn fetch(&self, package: &str, folder: &Path) -> Result<PathBuf, MachineError> {
        if let Some(given) = &self.given {
            let from = file_of(package, given)?;
            let to = folder.join(from.file_name().unwrap_or_default());
            fs::copy(&from, &to).map_err(MachineError::io("copy", &from))?;
            return Ok(to);
        }
        // It downloads into the working directory, and nothing else.
        let words = ["-c", r#"cd "$1" && exec apt-get --quiet download "$2""#, "sh"].map(OsString::from);
        self.find("apt-get")?;
        self.run(Path::new(package), "sh", words.into_iter().chain([folder.into(), package.into()]))?;
        file_of(package, folder)
    }

    /// The kernel that the package without files depends on.
    fn dependency(&self, package: &Path) -> Result<String, MachineError> {
        let output =
            self.run_for_output(package, "dpkg-deb", ["--field".into(), package.into(), "Depends".into()])?;
        let words = output.split([' ', ',', '\n']);
        words.map(str::to_owned).find(|word| word.starts_with("linux-image-")).ok_or_else(|| {
            MachineError::Package {
                package: KERNEL.into(),
                detail: format!("it is to depend on a kernel, found '{}'", output.trim()),
            }
        })
    }

    fn run(
        &self,
        package: &Path,
        name: &str,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<(), MachineError> {
        self.run_for_output(package, name, arguments).map(drop)
    }

    fn run_for_output(
        &self,
        package: &Path,
        name: &str,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<String, MachineError> {
        let program = self.find(name)?;
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let limit = if name == "dpkg-deb" { UNPACK_LIMIT } else { FETCH_LIMIT };
        let mut output = String::new();
        let finished = program::run(&program, &arguments, self.search_path, limit, |line| {
            output.push_str(line);
            output.push('\n');
        })?;
        if finished.status.success() {
            return Ok(output);
        }
        Err(MachineError::Package {
            package: package.display().to_string(),
            detail: format!("{name} ended with {}: {}", finished.status, finished.errors.trim()),
        })
    }

    fn find(&self, name: &str) -> Result<PathBuf, MachineError> {
        let cure = match name {
            "apt-get" => "it is a part of Debian; elsewhere set APPORTION_MACHINE_PACKAGES",
            "dpkg-deb" => "it is a part of Debian; elsewhere install the package dpkg",
            _ => "apt-get install dash",
        };
        let wanted = Wanted { program: OsStr::new(name), purpose: "get a kernel for the test machine", cure };
        Ok(program::find(&wanted, self.search_path)?)
    }
}

/// The file of a package in a folder: `<name>_<version>_<architecture>.deb`.
fn file_of(package: &str, folder: &Path) -> Result<PathBuf, MachineError> {
    let files = entries(folder)?;
    let wanted = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix(package).is_some_and(|rest| rest.starts_with('_') && rest.ends_with(".deb"))
    };
    files.iter().find(wanted).cloned().ok_or_else(|| MachineError::Package {
        package: package.into(),
        detail: format!("no file {package}_*.deb is in {}", folder.display()),
    })
}

/// The files that are wanted, in a folder with all packages unpacked. Older packages have them outside `usr`.
fn in_folder(folder: &Path) -> Result<Packages, MachineError> {
    let missing = |package: &str, file: &str| MachineError::Package {
        package: package.into(),
        detail: format!("{file} is not in {}; remove that folder", folder.display()),
    };
    let busybox = ["bin/busybox", "usr/bin/busybox"].map(|path| folder.join(path));
    let modules = ["lib/modules", "usr/lib/modules"].map(|path| folder.join(path));
    let kernel = entries(&folder.join("boot"))?
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"vmlinuz-")));
    Ok(Packages {
        kernel: kernel.ok_or_else(|| missing(KERNEL, "boot/vmlinuz-*"))?,
        modules: modules
            .into_iter()
            .find(|path| path.is_dir())
            .ok_or_else(|| missing(KERNEL, "lib/modules"))?,
        busybox: busybox
            .into_iter()
            .find(|path| path.is_file())
            .ok_or_else(|| missing(BUSYBOX, "bin/busybox"))?,
    })
}

/// What is in a folder, in the order of names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, MachineError> {
    let found = fs::read_dir(folder).map_err(MachineError::io("list", folder))?;
    let mut paths: Vec<PathBuf> = found.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_is_told_from_one_whose_name_begins_alike() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["busybox-static-dbg_1_amd64.deb", "busybox-static_1_amd64.deb"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = file_of(BUSYBOX, folder.path()).unwrap();
        assert!(found.ends_with("busybox-static_1_amd64.deb"), "{found:?}");
    }

    #[test]
    fn package_that_is_not_in_the_given_folder_is_named_with_the_cure() {
        let folder = tempfile::tempdir().unwrap();
        let text = file_of(KERNEL, folder.path()).unwrap_err().to_string();
        assert!(text.contains("linux-image-cloud-amd64_*.deb"), "{text}");
        assert!(text.contains("apt-get update") && text.contains("APPORTION_MACHINE_PACKAGES"), "{text}");
    }

    #[test]
    fn missing_apt_is_named() {
        let source = Source { search_path: OsStr::new("/nowhere"), given: None };
        let text = source.fetch(BUSYBOX, Path::new("/tmp")).unwrap_err().to_string();
        assert!(text.contains("apt-get is wanted to get a kernel"), "{text}");
    }
}
