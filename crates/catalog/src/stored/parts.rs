//! Pieces of what is stored: addresses, what files looked like, hashes.

use crate::snapshot::hex;
use open_cli_documents::{FileStamp, FileState, Location};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use url::Url;

/// An address without credentials.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Place {
    File(PathBuf),
    Url(String),
    Made(String),
}

impl Place {
    /// `None` when it must not be stored, or can't be.
    pub(crate) fn of(location: &Location) -> Option<Self> {
        match location {
            Location::File(path) => path.to_str().map(|_| Self::File(path.clone())),
            Location::Made(name) => Some(Self::Made(name.clone())),
            Location::Url(url) => (location.to_string() == url.as_str()).then(|| Self::Url(url.to_string())),
        }
    }

    pub(crate) fn restored(self) -> Option<Location> {
        match self {
            Self::File(path) => Some(Location::File(path)),
            Self::Url(url) => Url::parse(&url).ok().map(Location::Url),
            Self::Made(name) => Some(Location::Made(name)),
        }
    }
}

/// What a file looked like.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stamp(PathBuf, Option<(Option<Duration>, u64, u64)>);

impl Stamp {
    pub(crate) fn of(stamp: &FileStamp) -> Self {
        let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok();
        let state = |state: FileState| (state.modified.and_then(since), state.size, state.inode);
        Self(stamp.path.clone(), stamp.state.map(state))
    }
}

impl From<Stamp> for FileStamp {
    fn from(Stamp(path, state): Stamp) -> Self {
        let time = |since: Duration| UNIX_EPOCH.checked_add(since);
        let state =
            state.map(|(modified, size, inode)| FileState { modified: modified.and_then(time), size, inode });
        Self { path, state }
    }
}

/// A SHA-256, as hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hash(pub(crate) [u8; 32]);

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        let nibble = |at: usize| text.as_bytes().get(at).and_then(|byte| char::from(*byte).to_digit(16));
        for (i, byte) in bytes.iter_mut().enumerate() {
            let (Some(high), Some(low)) = (nibble(2 * i), nibble(2 * i + 1)) else {
                return Err(serde::de::Error::custom("no SHA-256"));
            };
            *byte = (high * 16 + low) as u8;
        }
        Ok(Self(bytes))
    }
}
