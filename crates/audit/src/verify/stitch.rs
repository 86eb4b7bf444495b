//! The walks through single files put together: does each file go on where the one before it ends, does the log begin
//! at the anchor, and is it what was signed?

use super::parts::{Files, Kind, Part};
use super::report::{Problem, ProblemKind, VerifyReport};
use super::walk::{Prefix, Walk, altered, missing};
use super::{VerifyOptions, hash_of};
use crate::chain::{Hash, Position};
use crate::key::PublicKey;
use crate::statement::{Found, SegmentStatement};

/// Puts the walks together.
pub(crate) fn stitch(files: &Files, walks: Vec<Walk>, options: &VerifyOptions) -> VerifyReport {
    let mut parts: Vec<(&Part, Walk)> = files.parts.iter().zip(walks).collect();
    // Files of the older naming say nothing about their place; their records do.
    parts.sort_by_key(|(part, walk)| (part.kind == Kind::Live, walk.first.map_or(0, |(_, link)| link.seq)));
    let mut stitcher = Stitcher {
        report: VerifyReport {
            files: parts.len(),
            key_ids: files.keys.iter().map(PublicKey::id).collect(),
            keys_from_log: files.keys_from_log,
            ..VerifyReport::default()
        },
        at: None,
        last: None,
        anchor: None,
    };
    stitcher.keys(files, parts.iter().any(|(_, walk)| walk.records > 0));
    stitcher.anchor(files);
    for (part, walk) in &mut parts {
        stitcher.part(part, walk);
    }
    stitcher.marks(files, &parts, options);
    stitcher.head(files);
    stitcher.report
}

struct Stitcher {
    report: VerifyReport,
    /// Where the chain stands: what the next record has to follow.
    at: Option<Position>,
    /// File and line of the last record.
    last: Option<(String, u64)>,
    anchor: Option<Position>,
}

impl Stitcher {
    fn add(
        &mut self,
        kind: ProblemKind,
        file: String,
        line: Option<u64>,
        seq: Option<u64>,
        message: impl Into<String>,
    ) {
        self.report.add(Problem { kind, file, line, seq, message: message.into() });
    }

    fn keys(&mut self, files: &Files, has_records: bool) {
        if files.keys.is_empty() && has_records {
            let name = name_of(&files.layout.public_keys());
            self.add(
                ProblemKind::Key,
                name,
                None,
                None,
                "there is no public key, so no signature can be checked; name one",
            );
        }
    }

    fn anchor(&mut self, files: &Files) {
        match &files.anchor {
            Found::Missing => {}
            Found::Good(anchor) => {
                self.report.removed_until = anchor.last_seq;
                self.anchor = Some(anchor.position());
                self.at = self.anchor;
            }
            Found::Bad(reason) => {
                self.add(ProblemKind::Anchor, name_of(&files.layout.anchor()), None, None, reason.clone());
            }
        }
    }

    fn part(&mut self, part: &Part, walk: &mut Walk) {
        self.report.records += walk.records;
        self.report.bytes += walk.bytes;
        self.report.unchained_lines += walk.unchained;
        self.report.torn_bytes += walk.torn;
        self.begins(part, walk);
        for problem in walk.problems.drain(..) {
            self.report.add(problem);
        }
        self.report.more_problems += walk.more_problems;
        match &part.kind {
            Kind::Sealed(statement) => self.segment(part, walk, statement),
            Kind::Pending(named) if *named != walk.first.map_or(0, |(_, link)| link.seq) => {
                let message = format!("its name says that record {named} is its first, and it is not");
                self.add(ProblemKind::OutOfOrder, part.name(), None, Some(*named), message);
            }
            _ => {}
        }
        if let Some(last) = walk.last {
            self.at = Some(last);
            self.last = Some((part.name(), walk.last_line));
            self.report.last_seq = last.seq;
            self.report.last_hash = last.hash.to_string();
        } else if let Prefix::Until(hash) = walk.prefix
            && part.kind != Kind::Numbered
            && self.at.is_none_or(|at| at.seq == 0)
        {
            self.at = Some(Position { seq: 0, hash });
        }
    }

    /// Does a file go on where the chain stands?
    fn begins(&mut self, part: &Part, walk: &Walk) {
        let chain_has_begun = self.at.is_some_and(|at| at.seq > 0);
        if walk.unchained > 0 && chain_has_begun {
            let message = "its first lines are no records of this log";
            self.add(ProblemKind::NotARecord, part.name(), Some(1), None, message);
        }
        let Some((line, link)) = walk.first else { return };
        if self.report.first_seq == 0 {
            self.report.first_seq = link.seq;
        }
        let is_first = self.last.is_none();
        let before = match walk.prefix {
            Prefix::None => self.at.unwrap_or(Position { seq: 0, hash: Hash::ZERO }),
            _ if chain_has_begun => self.at.unwrap_or_default(),
            Prefix::Until(hash) => Position { seq: 0, hash },
            Prefix::Unknown => Position { seq: 0, hash: link.prev },
        };
        let expected = before.seq.saturating_add(1);
        if link.seq > expected {
            let message = match is_first && self.anchor.is_none() {
                true => format!(
                    "{}, and no statement of retention says that it removed them",
                    missing(expected, link.seq - 1)
                ),
                false => missing(expected, link.seq - 1),
            };
            self.add(ProblemKind::Missing, part.name(), Some(line), Some(link.seq), message);
        } else if link.seq < expected {
            // Retention states what it will remove before it does.
            if !(is_first && self.anchor.is_some()) {
                let message = format!("record {} stands after record {}", link.seq, before.seq);
                self.add(ProblemKind::OutOfOrder, part.name(), Some(line), Some(link.seq), message);
            }
        } else if link.prev != before.hash {
            match self.last.clone() {
                Some((file, line)) => {
                    self.add(ProblemKind::Altered, file, Some(line), Some(before.seq), altered(before.seq));
                }
                None => {
                    let message =
                        "it does not follow what was before it: that, or this record's link, was changed";
                    self.add(ProblemKind::Altered, part.name(), Some(line), Some(link.seq), message);
                }
            }
        }
    }

    /// Is a segment what was signed?
    fn segment(&mut self, part: &Part, walk: &Walk, statement: &Found<SegmentStatement>) {
        let signed = match statement {
            Found::Good(signed) => signed,
            // Told once, for all of them.
            Found::Bad(_) if self.report.key_ids.is_empty() => return,
            Found::Bad(reason) => {
                return self.add(
                    ProblemKind::Segment,
                    part.name(),
                    None,
                    None,
                    format!("its .sig does not count: {reason}"),
                );
            }
            Found::Missing => {
                return self.add(
                    ProblemKind::Segment,
                    part.name(),
                    None,
                    None,
                    "nobody signed it: its .sig is missing",
                );
            }
        };
        let first = walk.first.map(|(_, link)| link);
        let last = walk.last.unwrap_or(match walk.prefix {
            Prefix::Until(hash) => Position { seq: 0, hash },
            _ => Position::default(),
        });
        let differs = [
            ("its first record", signed.first_seq != first.map_or(0, |link| link.seq)),
            (
                "the record before it",
                walk.prefix == Prefix::None && first.is_some_and(|link| link.prev != signed.prev_hash),
            ),
            ("its last record", signed.last() != last),
            ("its size", signed.bytes != walk.bytes),
            ("its text", walk.text_hash.is_some_and(|hash| hash != signed.sha256)),
        ];
        let differs: Vec<_> = differs.iter().filter(|(_, differs)| *differs).map(|(what, _)| *what).collect();
        if !differs.is_empty() {
            let message = format!("it is not what was signed when it was sealed: {} differs", differs.join(", "));
            self.add(ProblemKind::Segment, part.name(), None, None, message);
        }
    }

    /// Compares single records with what is known of them.
    fn marks(&mut self, files: &Files, parts: &[(&Part, Walk)], options: &VerifyOptions) {
        let known =
            options.known.iter().map(|(seq, hash)| (*seq, hash_of(hash), "is not the one that was exported"));
        let head = files.head.clone().good().map(|head| head.position()).filter(|head| head.seq > 0);
        let head = head.map(|head| (head.seq, Some(head.hash), "is not the one that the signed head knows"));
        let anchor = self.anchor.filter(|anchor| anchor.seq > 0);
        let anchor = anchor.map(|at| (at.seq, Some(at.hash), "is not the one that the signed anchor knows"));
        for (seq, hash, what) in known.chain(head).chain(anchor) {
            let found = parts.iter().find_map(|(part, walk)| {
                let mark = walk.marks.iter().find(|mark| mark.position.seq == seq)?;
                Some((part.name(), *mark))
            });
            match found {
                Some((_, mark)) if Some(mark.position.hash) == hash => {}
                Some((file, mark)) => {
                    self.add(
                        ProblemKind::Altered,
                        file,
                        Some(mark.line),
                        Some(seq),
                        format!("record {seq} {what}"),
                    );
                }
                // Those after the last are missed by nobody else.
                None if seq > self.report.last_seq && options.known.iter().any(|(known, _)| *known == seq) => {
                    let name = name_of(files.layout.live());
                    let message = format!("record {seq} was exported, and the log ends before it");
                    self.add(ProblemKind::Truncated, name, None, Some(seq), message);
                }
                None => {}
            }
        }
    }

    /// Is the end there?
    fn head(&mut self, files: &Files) {
        let name = name_of(&files.layout.head());
        match &files.head {
            Found::Missing if self.report.last_seq > 0 => {
                self.report.records_after_head = self.report.records;
                self.add(
                    ProblemKind::Head,
                    name,
                    None,
                    None,
                    "it is missing, so that nobody vouches for the end of the log",
                );
            }
            Found::Missing => {}
            Found::Bad(_) if self.report.key_ids.is_empty() => {}
            Found::Bad(reason) => self.add(ProblemKind::Head, name, None, None, reason.clone()),
            Found::Good(head) => {
                self.report.head_seq = head.seq;
                self.report.head_time = Some(head.time);
                let last_seq = self.report.last_seq;
                self.report.records_after_head = last_seq.saturating_sub(head.seq);
                if last_seq < head.seq && self.at.is_none_or(|at| at.seq < head.seq) {
                    let (file, line) = self.last.clone().unwrap_or_else(|| (name_of(files.layout.live()), 0));
                    let message = format!(
                        "the log ends with record {last_seq}; records {} to {} are missing: the signed head knows them",
                        last_seq + 1,
                        head.seq
                    );
                    self.add(
                        ProblemKind::Truncated,
                        file,
                        (line > 0).then_some(line),
                        Some(last_seq + 1),
                        message,
                    );
                }
            }
        }
    }
}

fn name_of(path: &std::path::Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
