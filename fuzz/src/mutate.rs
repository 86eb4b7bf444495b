//! Mutations of kept inputs: flipped bits, cut, doubled and spliced pieces, words that mean something to the target,
//! nesting. The same seed gives the same inputs.

use crate::MAX_INPUT_BYTES;
use fastrand::Rng;

/// Most changes of one input.
const MAX_CHANGES: usize = 8;
/// Most repetitions of a piece.
const MAX_REPEATS: usize = 2000;
/// Bytes at which parsers turn.
const TURNING: &[u8] = b"\0\t\n\r \"'\\{}[]<>(),:;=&*#%/~$@!?-+.0919eE\x7f\x80\xc3\xed\xf4\xff";

/// Makes inputs from a corpus.
#[derive(Debug)]
pub struct Mutator<'a> {
    random: Rng,
    corpus: &'a [Vec<u8>],
    dictionary: &'a [&'a str],
}

impl<'a> Mutator<'a> {
    /// The inputs of a seed.
    pub fn new(seed: u64, corpus: &'a [Vec<u8>], dictionary: &'a [&'a str]) -> Self {
        Self { random: Rng::with_seed(seed), corpus, dictionary }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.kept();
        for _ in 0..self.random.usize(1..=MAX_CHANGES) {
            self.change(&mut input);
        }
        input.truncate(MAX_INPUT_BYTES);
        input
    }

    fn kept(&mut self) -> Vec<u8> {
        self.random.choice(self.corpus).cloned().unwrap_or_default()
    }

    /// A place in an input, its end included.
    fn place(&mut self, input: &[u8]) -> usize {
        self.random.usize(0..=input.len())
    }

    fn piece(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let (a, b) = (self.place(input), self.place(input));
        a.min(b)..a.max(b)
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        match self.random.u8(0..9) {
            0 if !input.is_empty() => {
                let at = self.random.usize(0..input.len());
                input[at] ^= 1 << self.random.u8(0..8);
            }
            1 if !input.is_empty() => {
                let at = self.random.usize(0..input.len());
                input[at] = self.random.choice(TURNING).copied().unwrap_or_default();
            }
            2 => {
                let piece = self.piece(input);
                input.drain(piece);
            }
            3 => {
                let piece = self.piece(input);
                let copy = input[piece].to_vec();
                let at = self.place(input);
                input.splice(at..at, copy);
            }
            4 => {
                let other = self.kept();
                let (cut, from) = (self.place(input), self.place(&other));
                input.truncate(cut);
                input.extend_from_slice(&other[from..]);
            }
            5 | 6 => {
                let word = self.random.choice(self.dictionary).copied().unwrap_or_default();
                let at = self.place(input);
                input.splice(at..at, word.bytes());
            }
            7 => {
                let word = self.random.choice(self.dictionary).copied().unwrap_or("[");
                let count = self.random.usize(1..MAX_REPEATS);
                let at = self.place(input);
                input.splice(at..at, word.repeat(count).into_bytes());
            }
            _ => {
                let at = self.place(input);
                let byte = self.random.choice(TURNING).copied().unwrap_or_default();
                input.insert(at, byte);
            }
        }
        input.truncate(MAX_INPUT_BYTES);
    }
}
