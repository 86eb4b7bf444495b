//! Tokens that this client got, kept between commands (client §7.5; weaknesses W50, W53): private files, one for each
//! runtime and way of signing in, replaced whole. A file that can't be read is no token; nothing fails because of it.

use jiff::{SignedDuration, Timestamp};
use open_cli_files::{Durability, create_private_dir_all, lock_within, read_bounded, replace};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Below the instance's state folder.
const FOLDER: &str = "oauth";
/// Largest file.
const MAX_BYTES: u64 = 256 * 1024;
/// A token is not used in the last part of its life, and never for more than this.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);
/// How long another command is waited for that gets a token.
const LOCK_PATIENCE: Duration = Duration::from_secs(40);
/// How the contract writes "no end known".
const NO_END: &str = "0001-01-01T00:00:00Z";

/// A token and what is needed to get the next one.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) token: SecretString,
    /// `None` when it is not known.
    pub(super) expires_at: Option<Timestamp>,
    pub(super) obtained_at: Timestamp,
    pub(super) refresh_token: Option<SecretString>,
    pub(super) about: About,
}

/// Where a token is from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct About {
    /// The runtime it is for.
    pub(super) runtime: String,
    #[serde(rename = "tokenURL")]
    pub(super) token_url: String,
    pub(super) client_id: String,
    pub(super) issuer: String,
    pub(super) audience: String,
    /// As granted, else as asked for.
    pub(super) scope: String,
}

impl Kept {
    /// May it still be used? Of a short life only the last tenth is kept back (W50).
    pub(super) fn is_usable(&self, now: Timestamp) -> bool {
        let Some(end) = self.expires_at else { return true };
        let life = end.duration_since(self.obtained_at);
        let margin = MARGIN.min(life / 10);
        now.duration_since(end) < -margin
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    access_token: String,
    expires_at: String,
    #[serde(default)]
    obtained_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(flatten)]
    about: About,
}

/// The tokens of an instance.
#[derive(Debug, Clone)]
pub(super) struct Store {
    folder: PathBuf,
}

impl Store {
    pub(super) fn below(state_dir: &Path) -> Self {
        Self { folder: state_dir.join(FOLDER) }
    }

    /// What is kept under a key.
    pub(super) fn get(&self, key: &str) -> Option<Kept> {
        let written: Written = serde_json::from_slice(&read_bounded(&self.file(key), MAX_BYTES).ok()?).ok()?;
        let expires_at = match written.expires_at.as_str() {
            NO_END | "" => None,
            text => Some(text.parse().ok()?),
        };
        Some(Kept {
            token: written.access_token.into(),
            expires_at,
            obtained_at: written.obtained_at.unwrap_or(Timestamp::UNIX_EPOCH),
            refresh_token: written.refresh_token.map(SecretString::from),
            about: written.about,
        })
    }

    /// Keeps it. A token that can't be kept serves this command all the same; the text says why it was not kept.
    pub(super) fn put(&self, key: &str, kept: &Kept) -> Result<(), String> {
        let written = Written {
            access_token: kept.token.expose_secret().to_owned(),
            expires_at: kept.expires_at.map_or_else(|| NO_END.to_owned(), |end| end.to_string()),
            obtained_at: Some(kept.obtained_at),
            refresh_token: kept.refresh_token.as_ref().map(|token| token.expose_secret().to_owned()),
            about: kept.about.clone(),
        };
        let bytes = zeroize::Zeroizing::new(serde_json::to_vec(&written).map_err(|error| error.to_string())?);
        create_private_dir_all(&self.folder).map_err(|error| error.to_string())?;
        replace(&self.file(key), &bytes, Durability::Synced).map_err(|error| error.to_string())
    }

    /// Forgets it; true when there was something.
    pub(super) fn remove(&self, key: &str) -> bool {
        std::fs::remove_file(self.file(key)).is_ok()
    }

    /// One command at a time gets a token; the others find it. `None`: go on without, nothing worse happens than a
    /// second request.
    pub(super) fn lock(&self, key: &str) -> Option<File> {
        create_private_dir_all(&self.folder).ok()?;
        let path = self.file(key).with_extension("lock");
        let file = OpenOptions::new().create(true).append(true).open(path).ok()?;
        lock_within(&file, LOCK_PATIENCE).ok()?;
        Some(file)
    }

    fn file(&self, key: &str) -> PathBuf {
        let digest = Sha256::digest(key.as_bytes());
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{name}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn kept(seconds: Option<i64>) -> Kept {
        let now = Timestamp::now();
        Kept {
            token: "access".into(),
            expires_at: seconds.map(|seconds| now + SignedDuration::from_secs(seconds)),
            obtained_at: now,
            refresh_token: Some("refresh".into()),
            about: About { runtime: "http://h".into(), scope: "a b".into(), ..About::default() },
        }
    }

    /// TOK-2, §7.5, deviation 13.
    #[test]
    fn tokens_are_kept_in_private_files_and_found_again() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Store::below(&folder.path().join("state"));
        assert!(store.get("k").is_none());
        for seconds in [None, Some(600)] {
            store.put("k", &kept(seconds)).expect("kept");
            let found = store.get("k").expect("found");
            assert_eq!(found.token.expose_secret(), "access");
            assert_eq!(found.expires_at.is_some(), seconds.is_some());
            assert_eq!(found.about.scope, "a b");
        }
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&store.file("k")), mode(&store.folder)), (0o600, 0o700));
        assert!(store.get("other").is_none());
        assert!(store.remove("k") && !store.remove("k"));
        store.put("k", &kept(None)).expect("kept");
        replace(&store.file("k"), b"{", Durability::Unsynced).expect("written");
        assert!(store.get("k").is_none(), "a damaged file is no token");
    }

    /// W50: a token that lives 20 seconds is usable for 18.
    #[test]
    fn the_margin_scales_with_the_life() {
        for (life, after, usable) in [(20, 17, true), (20, 19, false), (3600, 3569, true), (3600, 3571, false)] {
            let kept = kept(Some(life));
            let then = kept.obtained_at + SignedDuration::from_secs(after);
            assert_eq!(kept.is_usable(then), usable, "{life} {after}");
        }
        assert!(kept(None).is_usable(Timestamp::now()));
    }
}
