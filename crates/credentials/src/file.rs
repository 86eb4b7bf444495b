//! Secrets in files. The file is asked for its stamp at most once a second and read again only when the stamp
//! changed, so a rotated secret is seen within a second and a call costs no disk access.

use parking_lot::Mutex;
use secrecy::SecretString;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use zeroize::Zeroizing;

/// Largest secret file.
pub const SECRET_FILE_MAX_BYTES: u64 = 64 * 1024;
/// How long a stamp is believed.
const STAMP_LIFETIME: Duration = Duration::from_secs(1);

/// A secret, or why there is none.
pub(crate) type FileValue = Result<Arc<SecretString>, String>;

/// A secret in a file, with what was last read from it.
pub(crate) struct FileSecret {
    path: PathBuf,
    cached: Mutex<Option<Cached>>,
}

#[derive(Clone)]
struct Cached {
    checked_at: Instant,
    stamp: Option<Stamp>,
    value: FileValue,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { modified: metadata.modified().ok(), size: metadata.len() }
    }
}

impl FileSecret {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, cached: Mutex::new(None) }
    }

    /// The secret. The lock is never held while the disk is asked: others get the value from before meanwhile.
    pub(crate) fn get(&self, now: Instant) -> FileValue {
        let before = {
            let mut cached = self.cached.lock();
            if let Some(cached) = &mut *cached {
                if now.saturating_duration_since(cached.checked_at) < STAMP_LIFETIME {
                    return cached.value.clone();
                }
                // Claims the check.
                cached.checked_at = now;
            }
            cached.clone()
        };
        let (stamp, value) = load(&self.path, before);
        *self.cached.lock() = Some(Cached { checked_at: now, stamp, value: value.clone() });
        value
    }
}

fn load(path: &Path, before: Option<Cached>) -> (Option<Stamp>, FileValue) {
    let shown = path.display();
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return (None, Err(format!("the secret file {shown} can't be read: {error}"))),
    };
    if !metadata.is_file() {
        return (None, Err(format!("the secret file {shown} is not a regular file")));
    }
    let stamp = Some(Stamp::of(&metadata));
    if let Some(before) = before
        && before.stamp == stamp
    {
        return (stamp, before.value);
    }
    (stamp, read(path).map(Arc::new))
}

fn read(path: &Path) -> Result<SecretString, String> {
    let shown = path.display();
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|file| file.take(SECRET_FILE_MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("the secret file {shown} can't be read: {error}"))?;
    if bytes.len() as u64 > SECRET_FILE_MAX_BYTES {
        return Err(format!("the secret file {shown} is larger than {SECRET_FILE_MAX_BYTES} bytes"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| format!("the secret file {shown} is not UTF-8 text"))?;
    let text = trim_one_newline(text);
    if text.is_empty() {
        return Err(format!("the secret file {shown} is empty (write the secret into it)"));
    }
    if text.contains(['\0', '\r', '\n']) {
        return Err(format!(
            "the secret file {shown} has more than one line, or a NUL (leave only the secret in it)"
        ));
    }
    Ok(SecretString::from(text))
}

/// Deviation 14.
fn trim_one_newline(text: &str) -> &str {
    text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::io::Write;

    fn put(path: &Path, content: &[u8]) {
        File::create(path).and_then(|mut file| file.write_all(content)).expect("written");
    }

    fn exposed(value: FileValue) -> Result<String, String> {
        value.map(|secret| secret.expose_secret().to_owned())
    }

    /// Deviation 14, weaknesses 72 and W-42.
    #[test]
    fn one_trailing_newline_is_trimmed_and_anything_else_that_breaks_a_header_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("token");
        let large = vec![b'x'; SECRET_FILE_MAX_BYTES as usize + 1];
        for (content, expected) in [
            (&b"abc"[..], Ok("abc")),
            (b"abc\n", Ok("abc")),
            (b"abc\r\n", Ok("abc")),
            (b" abc ", Ok(" abc ")),
            (b"abc\n\n", Err("more than one line")),
            (b"a\0c", Err("NUL")),
            (b"a\rc", Err("more than one line")),
            (b"", Err("empty")),
            (b"\n", Err("empty")),
            (b"\xff", Err("UTF-8")),
            (&large, Err("larger than 65536")),
        ] {
            put(&path, content);
            match (exposed(FileSecret::new(path.clone()).get(Instant::now())), expected) {
                (Ok(value), Ok(expected)) => assert_eq!(value, expected),
                (Err(message), Err(word)) => {
                    assert!(message.contains(word), "{message}");
                    assert!(!message.contains("abc"), "{message}");
                }
                (got, _) => panic!("{content:?}: {got:?}"),
            }
        }
        let missing = FileSecret::new(folder.path().join("none")).get(Instant::now());
        assert!(exposed(missing).expect_err("missing").contains("can't be read"));
        let not_a_file = FileSecret::new(folder.path().to_owned()).get(Instant::now());
        assert!(exposed(not_a_file).expect_err("a folder").contains("not a regular file"));
    }

    #[test]
    fn a_rotated_secret_is_seen_after_a_second_and_not_asked_for_before() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("token");
        put(&path, b"one");
        let secret = FileSecret::new(path.clone());
        let start = Instant::now();
        assert_eq!(exposed(secret.get(start)).as_deref(), Ok("one"));
        put(&path, b"second");
        assert_eq!(exposed(secret.get(start + Duration::from_millis(999))).as_deref(), Ok("one"));
        assert_eq!(exposed(secret.get(start + Duration::from_secs(1))).as_deref(), Ok("second"));
        std::fs::remove_file(&path).expect("removed");
        assert!(secret.get(start + Duration::from_secs(3)).is_err());
        put(&path, b"third!");
        assert_eq!(exposed(secret.get(start + Duration::from_secs(5))).as_deref(), Ok("third!"));
    }
}
