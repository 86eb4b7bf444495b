//! Schemas that refer to themselves without coming to another value (`A: {allOf: [{$ref: A}]}`) say nothing and would
//! be followed for ever: the reference that closes such a circle is cut. Circles through members and items stay.

use crate::Skipped;
use crate::node::{Node, NodeId, Types};

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// Cuts every circle of references and combinations.
pub(crate) fn cut(nodes: &mut Vec<Node>, skipped: &mut Vec<Skipped>) {
    let mut marks = vec![Mark::New; nodes.len()];
    let mut cut: Vec<(NodeId, NodeId)> = Vec::new();
    for start in 0..nodes.len() {
        if marks[start] == Mark::New {
            visit(nodes, &mut marks, start, &mut cut);
        }
    }
    if cut.is_empty() {
        return;
    }
    skipped.push(Skipped { pointer: String::new(), reason: "a schema in it is defined by itself".into() });
    let anything = NodeId::try_from(nodes.len()).unwrap_or(NodeId::MAX);
    nodes.push(Node::plain(Types::ANY));
    for (from, to) in cut {
        loosen(&mut nodes[from as usize], to, anything);
    }
}

/// Takes a schema out of another one, so that no more is refused than before.
fn loosen(node: &mut Node, gone: NodeId, anything: NodeId) {
    let replace = |id: &mut NodeId| {
        if *id == gone {
            *id = anything;
        }
    };
    node.reference.iter_mut().for_each(replace);
    if let Some(combined) = &mut node.combined {
        combined.all_of.iter_mut().chain(&mut combined.any_of).for_each(replace);
        if combined.one_of.contains(&gone) {
            combined.one_of = Box::default();
        }
        combined.not.take_if(|not| *not == gone);
        combined.condition.take_if(|c| [Some(c.when), c.then, c.otherwise].contains(&Some(gone)));
    }
    if let Some(object) = &mut node.object {
        object.dependent.iter_mut().map(|(_, id)| id).for_each(replace);
    }
}

/// Depth first, without recursion: chains of references can be long.
fn visit(nodes: &[Node], marks: &mut [Mark], start: usize, cut: &mut Vec<(NodeId, NodeId)>) {
    let mut path: Vec<(usize, Vec<NodeId>)> = vec![(start, in_place(&nodes[start]))];
    marks[start] = Mark::Open;
    while let Some((at, left)) = path.last_mut() {
        let at = *at;
        let Some(next) = left.pop() else {
            marks[at] = Mark::Done;
            path.pop();
            continue;
        };
        match marks[next as usize] {
            Mark::Open => cut.push((NodeId::try_from(at).unwrap_or(NodeId::MAX), next)),
            Mark::Done => {}
            Mark::New => {
                marks[next as usize] = Mark::Open;
                path.push((next as usize, in_place(&nodes[next as usize])));
            }
        }
    }
}

/// The schemas that are about the same value.
fn in_place(node: &Node) -> Vec<NodeId> {
    let mut all: Vec<NodeId> = node.reference.into_iter().collect();
    if let Some(combined) = &node.combined {
        all.extend(combined.all_of.iter().chain(&combined.any_of).chain(&combined.one_of));
        all.extend(combined.not);
        all.extend(combined.condition.iter().flat_map(|c| [Some(c.when), c.then, c.otherwise]).flatten());
    }
    all.extend(node.object.iter().flat_map(|object| object.dependent.iter().map(|(_, id)| *id)));
    all
}
