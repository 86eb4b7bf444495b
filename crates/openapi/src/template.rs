//! Variables of a path template, in the order of their appearance (W33). Not for expanding them.

/// What a path template holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template<'a> {
    /// Names between braces, each once.
    pub(crate) variables: Vec<&'a str>,
    /// False when a brace has no partner or a name is empty.
    pub(crate) well_formed: bool,
}

impl<'a> Template<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        let mut variables = Vec::new();
        let mut well_formed = true;
        let mut open = None;
        for (i, c) in path.char_indices() {
            match (c, open) {
                ('{', before) => {
                    well_formed &= before.is_none();
                    open = Some(i + 1);
                }
                ('}', Some(start)) => {
                    let name = &path[start..i];
                    well_formed &= !name.is_empty();
                    if !name.is_empty() && !variables.contains(&name) {
                        variables.push(name);
                    }
                    open = None;
                }
                ('}', None) => well_formed = false,
                _ => {}
            }
        }
        Self { variables, well_formed: well_formed && open.is_none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W33
    #[test]
    fn variables_come_in_the_order_of_the_template() {
        for (path, variables, well_formed) in [
            ("/", &[][..], true),
            ("/x/{b}/{a}", &["b", "a"], true),
            ("/x/{a}.{format}/{a}", &["a", "format"], true),
            ("/x/{a}?q={q}#{f}", &["a", "q", "f"], true),
            ("/x/{größe}", &["größe"], true),
            ("/x/{a", &[], false),
            ("/x/a}", &[], false),
            ("/x/{}", &[], false),
            ("/x/{{a}}", &["a"], false),
        ] {
            let expected = Template { variables: variables.to_vec(), well_formed };
            assert_eq!(Template::of(path), expected, "{path}");
        }
    }
}
