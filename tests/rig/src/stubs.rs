//! Stand-ins for the shared libraries that the Mesos binary wants and a fresh machine lacks.
//!
//! The wanted symbols are read from the binary itself, so no list is kept here. Each stand-in defines them
//! under the version tags the binary asks for. A stand-in's function prints its name and aborts: whoever
//! switches on a feature behind one (TLS, authentication, log storage diffs) sees which. The few functions
//! that every master or agent calls at its start answer "done" instead.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use object::elf;
use object::read::elf::{FileHeader, Sym};
use object::{LittleEndian, ReadCache};

use crate::cache::{Cache, CacheLock, content_sum, write_file};
use crate::error::RigError;
use crate::fetch;
use crate::program::{self, Wanted};

/// Libraries that are replaced, in the order in which they are loaded.
const REPLACED: [&str; 8] = [
    "libapr-1.so.0",
    "libsvn_subr-1.so.1",
    "libsvn_delta-1.so.1",
    "libsasl2.so.2",
    "libcrypto.so.1.0.0",
    "libssl.so.1.0.0",
    "libcurl.so.4",
    PYTHON,
];
/// Stand-in for the Python interpreter, which the binary expects in its process and not in a library.
const PYTHON: &str = "librig-python.so";
/// Functions that are called at every start and whose zero means success or "nothing".
const ANSWERED: [&str; 7] = [
    "apr_initialize",
    "apr_terminate",
    "curl_easy_init",
    "curl_global_init",
    "sasl_auxprop_add_plugin",
    "sasl_client_init",
    "sasl_server_init",
];
/// Room for each Python object that the binary takes the address of.
const PYTHON_OBJECT_BYTES: usize = 512;
const COMPILE_LIMIT: Duration = Duration::from_secs(120);

/// Names by version tag ("" where the binary asks for none).
type Versions = BTreeMap<String, BTreeSet<String>>;

/// Paths of the stand-ins in load order, built when they are not in the cache.
///
/// # Errors
/// A missing or failing C compiler, an unreadable binary.
pub(crate) fn provide(
    cache: &Cache,
    lock: &CacheLock,
    binary: &Path,
    compiler: &OsStr,
    search_path: &OsStr,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<PathBuf>, RigError> {
    // What is generated depends on the binary and on this file.
    let sum = content_sum([
        fetch::pinned_sum().as_bytes(),
        include_bytes!("stubs.rs").as_slice(),
        compiler.as_encoded_bytes(),
    ]);
    let folder = cache.entry(&format!("stubs-{}", &sum[..16]), lock, |folder| {
        progress("compiling stand-ins for the libraries the Mesos binary wants");
        let compiler = program::find(
            &Wanted {
                program: compiler,
                purpose: "compile stand-in libraries",
                cure: "apt-get install gcc libc6-dev",
            },
            search_path,
        )?;
        let wanted = wanted_symbols(binary)?;
        for (library, versions) in &wanted {
            build(library, versions, folder, &compiler, search_path)?;
        }
        Ok(())
    })?;
    Ok(REPLACED.iter().map(|library| folder.join(library)).collect())
}

/// Undefined symbols of the binary that the replaced libraries would define.
fn wanted_symbols(binary: &Path) -> Result<BTreeMap<&'static str, Versions>, RigError> {
    let file = File::open(binary).map_err(RigError::io("open", binary))?;
    // Reads only the parts it is asked for, out of 120 MB.
    let data = ReadCache::new(file);
    read_symbols(&data)
        .map_err(|error| RigError::Symbols { path: binary.to_owned(), detail: error.to_string() })
}

fn read_symbols(data: &ReadCache<File>) -> object::Result<BTreeMap<&'static str, Versions>> {
    let header = elf::FileHeader64::<LittleEndian>::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let symbols = sections.symbols(endian, data, elf::SHT_DYNSYM)?;
    let versions = sections.versions(endian, data)?.unwrap_or_default();

    let mut wanted: BTreeMap<&'static str, Versions> =
        REPLACED.iter().map(|library| (*library, Versions::new())).collect();
    for (index, symbol) in symbols.enumerate() {
        if !symbol.is_undefined(endian) || symbol.st_bind() != elf::STB_GLOBAL {
            continue;
        }
        let name = String::from_utf8_lossy(symbol.name(endian, symbols.strings())?).into_owned();
        let version = versions.version(versions.version_index(endian, index).index())?;
        let file = version.and_then(|version| version.file()).map(String::from_utf8_lossy);
        let tag = version.map(|version| String::from_utf8_lossy(version.name()).into_owned());
        let Some(library) = library_of(&name, file.as_deref()) else { continue };
        wanted.entry(library).or_default().entry(tag.unwrap_or_default()).or_default().insert(name);
    }
    Ok(wanted)
}

/// The replaced library that is to define a symbol: the one the version table names, or, for symbols
/// without a version, the one their prefix tells. All of apr and svn go into the first of them.
fn library_of(name: &str, file: Option<&str>) -> Option<&'static str> {
    match file {
        Some(file) => REPLACED.iter().find(|library| **library == file).copied(),
        None if name.starts_with("apr_") || name.starts_with("svn_") => Some(REPLACED[0]),
        None if name.trim_start_matches('_').starts_with("Py") => Some(PYTHON),
        None => None,
    }
}

fn build(
    library: &str,
    versions: &Versions,
    folder: &Path,
    compiler: &Path,
    search_path: &OsStr,
) -> Result<(), RigError> {
    let source = folder.join(format!("{library}.c"));
    let map = folder.join(format!("{library}.map"));
    write_file(&source, c_source(library, versions))?;
    write_file(&map, version_script(versions))?;
    let mut arguments: Vec<OsString> = ["-O1", "-shared", "-fPIC", "-fno-builtin"].map(OsString::from).into();
    arguments.push(format!("-Wl,-soname,{library}").into());
    if versions.keys().any(|tag| !tag.is_empty()) {
        let mut option = OsString::from("-Wl,--version-script,");
        option.push(&map);
        arguments.push(option);
    }
    arguments.extend([OsString::from("-o"), folder.join(library).into(), source.into()]);
    program::compile(compiler, &arguments, search_path, COMPILE_LIMIT)
}

fn c_source(library: &str, versions: &Versions) -> String {
    let mut text = String::from(
        "#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n\n\
         static void say(const char* text)\n{\n  if (write(2, text, strlen(text)) < 0) abort();\n}\n\n\
         static void refuse(const char* name)\n{\n  say(\"stub called: \");\n  say(name);\n  say(\"\\n\");\n  abort();\n}\n\n",
    );
    for name in versions.values().flatten() {
        let line = if library == PYTHON && is_python_object(name) {
            format!("char {name}[{PYTHON_OBJECT_BYTES}];")
        } else if ANSWERED.contains(&name.as_str()) {
            // A long zero is also a null pointer here.
            format!("long {name}(void) {{ return 0; }}")
        } else {
            format!("void {name}(void) {{ refuse(\"{name}\"); }}")
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn is_python_object(name: &str) -> bool {
    name.ends_with("Struct") || name.starts_with("PyExc_")
}

fn version_script(versions: &Versions) -> String {
    let mut text = String::new();
    for (tag, names) in versions.iter().filter(|(tag, _)| !tag.is_empty()) {
        let names = names.iter().map(String::as_str).collect::<Vec<_>>().join("; ");
        // Writing to a string does not fail.
        let _ = writeln!(text, "{tag} {{ global: {names}; }};");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbol_goes_to_the_library_its_version_names() {
        assert_eq!(library_of("SSL_new", Some("libssl.so.1.0.0")), Some("libssl.so.1.0.0"));
        assert_eq!(library_of("memcpy", Some("libc.so.6")), None);
    }

    #[test]
    fn unversioned_symbol_goes_by_its_prefix() {
        assert_eq!(library_of("svn_txdelta2", None), Some("libapr-1.so.0"));
        assert_eq!(library_of("_Py_NoneStruct", None), Some(PYTHON));
        assert_eq!(library_of("__gmon_start__", None), None);
    }

    #[test]
    fn version_script_puts_names_under_their_tags() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let versions = Versions::from([("A_1".into(), names(&["b", "a"])), (String::new(), names(&["c"]))]);
        assert_eq!(version_script(&versions), "A_1 { global: a; b; };\n");
    }
}
