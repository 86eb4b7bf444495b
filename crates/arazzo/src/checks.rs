//! What steps and workflows of one document refer to in each other. Workflows that can't be carried out are left out,
//! and with them those that need them. Not for tools: which operation a step calls is not known here.

use crate::action::{Action, ActionKind, Destination};
use crate::diagnostic::{Report, code, quoted};
use crate::expression::Root;
use crate::reference::WorkflowRef;
use crate::step::{Call, Step};
use crate::workflow::Workflow;
use std::collections::{HashMap, HashSet};

/// Checks one workflow, puts its steps in order, and says what is wrong.
pub(crate) fn workflow(workflow: &mut Workflow, report: &mut Report) {
    let places: HashMap<&str, usize> =
        workflow.steps.iter().enumerate().map(|(place, step)| (step.id.as_str(), place)).collect();
    for (place, step) in workflow.steps.iter().enumerate() {
        for action in step.on_success.iter().chain(&step.on_failure) {
            destination(action, &places, report);
        }
        references(workflow, place, step, &places, report);
    }
    for expression in workflow.outputs.iter().flat_map(|(_, template)| template.expressions()) {
        if let Root::Step { step, .. } = &expression.root
            && !places.contains_key(step.as_str())
        {
            let message = format!("an output refers to the step {}, which is not there", quoted(step));
            report.warning(code::REFERENCE, &workflow.pointer, message, "it will be null");
        }
    }
    if let Some(order) = order(&workflow.steps, &places, report) {
        workflow.order = order;
    }
}

fn destination(action: &Action, places: &HashMap<&str, usize>, report: &mut Report) {
    let step = match &action.kind {
        ActionKind::Goto(Destination::Step(step)) => step,
        ActionKind::Retry { via: Some(Destination::Step(step)), .. } => step,
        _ => return,
    };
    if !places.contains_key(step.as_str()) {
        let message =
            format!("the action {} goes to the step {}, which is not there", quoted(&action.name), quoted(step));
        report.error(code::REFERENCE, &action.pointer, message, "name a step of the same workflow");
    }
}

fn references(workflow: &Workflow, place: usize, step: &Step, places: &HashMap<&str, usize>, report: &mut Report) {
    let mut told = HashSet::new();
    for expression in step.expressions() {
        let Root::Step { step: other, output } = &expression.root else { continue };
        if !told.insert((other, output)) {
            continue;
        }
        let Some(&there) = places.get(other.as_str()) else {
            let message = format!("{expression} refers to a step that is not there");
            report.warning(code::REFERENCE, &step.pointer, message, "it will be null");
            continue;
        };
        let outputs = &workflow.steps[there].outputs;
        // Names may have dots, and members below them too.
        let is_given = |name: &String| {
            outputs.iter().any(|(known, _)| {
                name.strip_prefix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        if output.as_ref().is_some_and(|output| !is_given(output)) {
            let message =
                format!("{expression} refers to an output that the step {} does not give", quoted(other));
            report.warning(code::REFERENCE, &step.pointer, message, "it will be null");
        } else if there > place && step.depends_on.is_empty() {
            let message = format!("{expression} refers to a later step");
            report.warning(code::REFERENCE, &step.pointer, message, "unless an action goes back, it will be null");
        }
    }
}

/// The first order of the steps that fits what they depend on.
fn order(steps: &[Step], places: &HashMap<&str, usize>, report: &mut Report) -> Option<Vec<usize>> {
    let mut needs: Vec<Vec<usize>> = Vec::with_capacity(steps.len());
    for step in steps {
        let mut own = Vec::new();
        for needed in step.depends_on.iter().filter(|needed| needed.workflow.is_none()) {
            match places.get(needed.step.as_str()) {
                Some(&place) => own.push(place),
                None => {
                    let message = format!(
                        "the step {} depends on {}, which is not there",
                        quoted(&step.id),
                        quoted(&needed.step)
                    );
                    report.error(code::REFERENCE, &step.pointer, message, "name a step of the same workflow");
                }
            }
        }
        needs.push(own);
    }
    let mut order = Vec::with_capacity(steps.len());
    let mut is_done = vec![false; steps.len()];
    while order.len() < steps.len() {
        let ready = |place: &usize| !is_done[*place] && needs[*place].iter().all(|needed| is_done[*needed]);
        let Some(next) = (0..steps.len()).find(ready) else {
            let stuck = (0..steps.len()).find(|place| !is_done[*place]).unwrap_or(0);
            let message = format!("the step {} depends on itself, by way of others", quoted(&steps[stuck].id));
            report.error(code::REFERENCE, &steps[stuck].pointer, message, "break the circle");
            return None;
        };
        is_done[next] = true;
        order.push(next);
    }
    Some(order)
}

/// The local workflows that a workflow can't do without, each with the place that says so.
fn needs(workflow: &Workflow) -> Vec<(&str, &str)> {
    let local = |wanted: &'_ WorkflowRef| wanted.source.is_none();
    let mut all: Vec<(&str, &str)> = Vec::new();
    all.extend(
        workflow.depends_on.iter().filter(|w| local(w)).map(|w| (w.id.as_str(), workflow.pointer.as_str())),
    );
    for step in &workflow.steps {
        if let Call::Workflow(wanted) = &step.call
            && local(wanted)
        {
            all.push((&wanted.id, &step.pointer));
        }
        for action in step.on_success.iter().chain(&step.on_failure) {
            let (ActionKind::Goto(Destination::Workflow(wanted))
            | ActionKind::Retry { via: Some(Destination::Workflow(wanted)), .. }) = &action.kind
            else {
                continue;
            };
            if local(wanted) {
                all.push((&wanted.id, &action.pointer));
            }
        }
    }
    all
}

/// Leaves out workflows that need one that is not there, until all that is left can be carried out.
pub(crate) fn whole(mut workflows: Vec<Workflow>, report: &mut Report) -> Vec<Workflow> {
    loop {
        let known: HashSet<String> = workflows.iter().map(|workflow| workflow.id.clone()).collect();
        let before = workflows.len();
        workflows.retain(|workflow| {
            let missing = needs(workflow).into_iter().find(|(id, _)| !known.contains(*id));
            let Some((id, pointer)) = missing else { return true };
            let message = format!(
                "the workflow {} needs the workflow {}, which is not there or can't be used",
                quoted(&workflow.id),
                quoted(id)
            );
            report.error(code::REFERENCE, pointer, message, "it is left out until that is mended");
            false
        });
        if workflows.len() == before {
            break;
        }
    }
    let circular = circular(&workflows);
    workflows.retain(|workflow| {
        let is_circular = circular.contains(&workflow.id);
        if is_circular {
            let message = format!("the workflow {} depends on itself, by way of others", quoted(&workflow.id));
            report.error(code::REFERENCE, &workflow.pointer, message, "break the circle");
        }
        !is_circular
    });
    workflows
}

/// Workflows that `dependsOn` leads back to.
fn circular(workflows: &[Workflow]) -> HashSet<String> {
    let depends: HashMap<&str, Vec<&str>> = workflows
        .iter()
        .map(|w| {
            (w.id.as_str(), w.depends_on.iter().filter(|d| d.source.is_none()).map(|d| d.id.as_str()).collect())
        })
        .collect();
    // What depends on nothing that is left is done; what stays is circular, or depends on what is.
    let mut left: HashSet<&str> = depends.keys().copied().collect();
    loop {
        let done: Vec<&str> =
            left.iter().copied().filter(|id| depends[id].iter().all(|needed| !left.contains(needed))).collect();
        if done.is_empty() {
            return left.into_iter().map(str::to_owned).collect();
        }
        for id in done {
            left.remove(id);
        }
    }
}
