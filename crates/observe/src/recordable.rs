//! What an attribute of a span can be set to. Texts are copied to where the spans grow: what is at hand as `&str` needs
//! no `String` on the way.

use crate::Value;
use crate::arena::{Arena, Stored};
use open_cli_contract::ids::RequestId;
use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;

/// Says what to record. For types that are text or a number; no secret is one.
pub trait Recordable {
    /// Puts its value there.
    fn record(self, slot: &mut Slot<'_>);
}

/// Takes the value of an attribute. What is put there last counts.
#[derive(Debug)]
pub struct Slot<'a> {
    pub(crate) arena: &'a mut Arena,
    pub(crate) value: Stored,
}

impl Slot<'_> {
    /// Text, cut to 1 KiB.
    pub fn text(&mut self, text: &str) {
        self.value = Stored::Text(self.arena.text(text));
    }

    /// What it shows itself as, cut to 1 KiB.
    pub fn shown(&mut self, what: impl Display) {
        self.value = Stored::Text(self.arena.shown(what));
    }

    /// A whole number.
    pub fn int(&mut self, number: i64) {
        self.value = Stored::Int(number);
    }

    /// A truth value.
    pub fn bool(&mut self, truth: bool) {
        self.value = Stored::Bool(truth);
    }
}

/// Recorded as it shows itself, e.g. an address; saves a `String`.
#[derive(Debug, Clone, Copy)]
pub struct Shown<T>(pub T);

impl<T: Display> Recordable for Shown<T> {
    fn record(self, slot: &mut Slot<'_>) {
        slot.shown(self.0);
    }
}

impl Recordable for Value {
    fn record(self, slot: &mut Slot<'_>) {
        match self {
            Self::Static(text) => slot.text(text),
            Self::Text(text) => slot.text(&text),
            Self::Shared(text) => slot.text(&text),
            Self::Int(number) => slot.int(number),
            Self::Bool(truth) => slot.bool(truth),
        }
    }
}

impl Recordable for bool {
    fn record(self, slot: &mut Slot<'_>) {
        slot.bool(self);
    }
}

macro_rules! texts {
    ($($text:ty),*) => {$(
        impl Recordable for $text {
            fn record(self, slot: &mut Slot<'_>) {
                slot.text(self.as_ref());
            }
        }
    )*};
}
texts!(&str, &String, String, Box<str>, Arc<str>, &Arc<str>, Cow<'_, str>);

impl Recordable for &RequestId {
    fn record(self, slot: &mut Slot<'_>) {
        slot.text(self.as_str());
    }
}

/// Numbers beyond what can be said are the largest that can.
macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Recordable for $number {
            fn record(self, slot: &mut Slot<'_>) {
                slot.int(i64::try_from(self).unwrap_or(i64::MAX));
            }
        }
    )*};
}
numbers!(i64, u64, usize, u32, u16);
