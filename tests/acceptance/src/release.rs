//! What is published: the provider and the agent as the Registry and `terraform init` want them.
//!
//! The same programs give the same bytes: an archive has one time for all its files, and nothing of
//! the machine that made it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use ring::digest;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// The version of everything here.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The directories that Terraform and OpenTofu look for a provider in, below a mirror, when its
/// source names no host.
pub(crate) const MIRRORED: [&str; 2] = [
    "registry.terraform.io/terraform-baremetal/baremetal",
    "registry.opentofu.org/terraform-baremetal/baremetal",
];

/// Why a release could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to {verb} {path}")]
pub struct Error {
    verb: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// How much work to put into an archive.
#[derive(Clone, Copy, Debug)]
pub enum Compression {
    /// None: for trying a release out.
    Stored,
    /// As it is published.
    Deflated,
}

/// What is packed, and how.
#[derive(Clone, Debug)]
pub struct Release<'a> {
    /// The directory with the programs.
    pub programs: &'a Path,
    /// The root of the source tree.
    pub root: &'a Path,
    /// Where everything is written. What is there already is overwritten.
    pub out: &'a Path,
    /// How the archives are packed.
    pub compression: Compression,
}

/// The platform this program was built for, in the words of Go: `linux_amd64`.
pub fn platform() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        arch => arch,
    };
    format!("{os}_{arch}")
}

impl Release<'_> {
    /// Writes the provider's archive, its manifest and their digests, the agent's archive and its
    /// digest, and a `mirror` that `terraform init` can install the provider from. Returns the
    /// files' names, below the output directory.
    ///
    /// # Errors
    ///
    /// If a program is missing, or a file cannot be written.
    pub fn write(&self) -> Result<Vec<PathBuf>, Error> {
        let platform = platform();
        create(self.out)?;
        let provider = format!("terraform-provider-baremetal_{VERSION}");
        let archive = format!("{provider}_{platform}.zip");
        // The name inside is what Terraform looks for.
        let program = format!("terraform-provider-baremetal_v{VERSION}");
        self.pack("terraform-provider-baremetal", &program, &archive)?;
        let manifest = format!("{provider}_manifest.json");
        copy(
            &self.root.join("terraform-registry-manifest.json"),
            &self.out.join(&manifest),
        )?;
        let sums = self.digests(&provider, &[&archive, &manifest])?;

        let agent = format!("baremetal-agent_{VERSION}");
        let agent_archive = format!("{agent}_{platform}.zip");
        self.pack("baremetal-agent", "baremetal-agent", &agent_archive)?;
        let agent_sums = self.digests(&agent, &[&agent_archive])?;

        let written = [&archive, &manifest, &sums, &agent_archive, &agent_sums];
        let mut written: Vec<PathBuf> = written.into_iter().map(PathBuf::from).collect();
        for directory in MIRRORED {
            let directory = Path::new("mirror").join(directory);
            create(&self.out.join(&directory))?;
            let mirrored = directory.join(&archive);
            copy(&self.out.join(&archive), &self.out.join(&mirrored))?;
            written.push(mirrored);
        }
        Ok(written)
    }

    /// Packs one program and the licence.
    fn pack(&self, program: &str, name: &str, archive: &str) -> Result<(), Error> {
        let path = self.out.join(archive);
        let file = File::create(&path).map_err(failed("create", &path))?;
        let mut archive = ZipWriter::new(BufWriter::new(file));
        let method = match self.compression {
            Compression::Stored => CompressionMethod::Stored,
            Compression::Deflated => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(DateTime::default());
        let files = [
            (self.root.join("LICENSE"), "LICENSE", 0o644),
            (self.programs.join(program), name, 0o755),
        ];
        for (from, name, mode) in files {
            let mut content = File::open(&from).map_err(failed("read", &from))?;
            archive
                .start_file(name, options.unix_permissions(mode))
                .map_err(|error| failed("write", &path)(error.into()))?;
            io::copy(&mut content, &mut archive).map_err(failed("write", &path))?;
        }
        let finished = archive
            .finish()
            .map_err(|error| failed("write", &path)(error.into()))?;
        finished
            .into_inner()
            .map(drop)
            .map_err(|error| failed("write", &path)(error.into_error()))
    }

    /// Writes `<name>_SHA256SUMS` of the files, as `sha256sum` does, and returns its name.
    fn digests(&self, name: &str, files: &[&str]) -> Result<String, Error> {
        let mut lines = BTreeMap::new();
        for file in files {
            lines.insert(*file, sha256(&self.out.join(file))?);
        }
        let text: String = lines
            .into_iter()
            .map(|(file, digest)| format!("{digest}  {file}\n"))
            .collect();
        let sums = format!("{name}_SHA256SUMS");
        let path = self.out.join(&sums);
        fs::write(&path, text).map_err(failed("write", &path))?;
        Ok(sums)
    }
}

/// The SHA-256 of a file, in hexadecimal digits.
///
/// # Errors
///
/// If it cannot be read.
pub fn sha256(path: &Path) -> Result<String, Error> {
    let content = fs::read(path).map_err(failed("read", path))?;
    let digest = digest::digest(&digest::SHA256, &content);
    Ok(digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn create(directory: &Path) -> Result<(), Error> {
    fs::create_dir_all(directory).map_err(failed("create", directory))
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map(drop).map_err(failed("copy", from))
}

fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error { verb, path, source }
}
