//! Secret keys of the data directory, each made when it is first needed.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The length of a key, in bytes.
pub const KEY_BYTES: usize = 32;

/// The key in the file `name` of the data directory `dir`, which is made, readable by this user alone, if there is none.
///
/// # Errors
/// The key cannot be read or made.
pub fn open_key(dir: &Path, name: &str) -> io::Result<[u8; KEY_BYTES]> {
    let path = dir.join(name);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_key(dir, name)?,
        read => read?,
    };
    let length = bytes.len();
    bytes.try_into().map_err(|_| {
        let shown = path.display();
        let what = format!("`{shown}` has {length} bytes and no key of {KEY_BYTES}: remove it");
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

/// Makes the key. Where another process does so at the same time, both take the one that is there first.
fn make_key(dir: &Path, name: &str) -> io::Result<Vec<u8>> {
    let path = dir.join(name);
    let mut key = [0; KEY_BYTES];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| io::Error::other("no random bytes"))?;
    let unfinished = dir.join(format!("{name}.{}", std::process::id()));
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished);
    file.and_then(|mut file| file.write_all(&key).and_then(|()| file.sync_all()))?;
    let linked = fs::hard_link(&unfinished, &path);
    fs::remove_file(&unfinished)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::read(&path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_for_its_user_alone_stays_the_same_and_a_damaged_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let key = open_key(dir.path(), "a.key").unwrap();
        assert_eq!(open_key(dir.path(), "a.key").unwrap(), key);
        assert_ne!(open_key(dir.path(), "b.key").unwrap(), key);
        let path = dir.path().join("a.key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        fs::write(&path, "short").unwrap();
        let damaged = open_key(dir.path(), "a.key").unwrap_err();
        assert!(damaged.to_string().contains("a.key"), "{damaged}");
    }
}
