//! A copy of a file that can't change any more, so that a check of its bytes stays true.

use std::{
    fs::File,
    io::{self, Read as _},
};

use super::Code;

/// Large enough for all lanes of the hash, small enough for a core's own cache.
const PART: usize = 256 * 1024;

/// A sealed copy of native code.
///
/// On Linux it is an anonymous file in memory (`memfd_create`) that is sealed against writing. The
/// engine maps it as it is, and takes a component's initial memory from it, too: a Python adapter
/// would otherwise be copied twice more. Elsewhere it is a buffer.
pub(super) struct Sealed {
    #[cfg(target_os = "linux")]
    file: File,
    #[cfg(not(target_os = "linux"))]
    bytes: Vec<u8>,
}

impl Sealed {
    /// Copies the rest of a file, and shows each part of the copy to `check`.
    #[cfg(target_os = "linux")]
    pub(super) fn copy(from: File, check: impl FnMut(&[u8])) -> io::Result<Self> {
        use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

        let file = memfd_create("native code", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut file = File::from(file);
        parts(from, &mut file, check)?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(Self { file })
    }

    /// Copies the rest of a file, and shows each part of the copy to `check`.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn copy(from: File, check: impl FnMut(&[u8])) -> io::Result<Self> {
        let mut bytes = Vec::new();
        parts(from, &mut bytes, check)?;
        Ok(Self { bytes })
    }

    /// The copy, for the engine. It must outlive the loading.
    pub(super) fn as_code(&self) -> Code<'_> {
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd as _;

            Code::File(format!("/proc/self/fd/{}", self.file.as_raw_fd()).into())
        }
        #[cfg(not(target_os = "linux"))]
        Code::Bytes(&self.bytes)
    }
}

/// Copies the rest of a file, and shows each part to `check`.
pub(super) fn parts(mut from: File, to: &mut impl io::Write, mut check: impl FnMut(&[u8])) -> io::Result<()> {
    let mut part = vec![0; PART];
    loop {
        let read = match from.read(&mut part) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        check(&part[..read]);
        to.write_all(&part[..read])?;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_sealed_copy_is_whole_and_can_t_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..3 * PART + 7).map(|index| u8::try_from(index % 251).unwrap()).collect();
        std::fs::write(folder.path().join("code"), &bytes).unwrap();
        let mut shown = Vec::new();
        let from = File::open(folder.path().join("code")).unwrap();
        let sealed = Sealed::copy(from, |part| shown.extend_from_slice(part)).unwrap();
        assert!(shown == bytes);
        let Code::File(path) = sealed.as_code() else { panic!("it is a file") };
        assert!(std::fs::read(&path).unwrap() == bytes);
        let mut file = sealed.file.try_clone().unwrap();
        assert_eq!(file.write_all(b"x").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(file.set_len(1).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }
}
