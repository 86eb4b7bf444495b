//! The whole query as one parameter: `in: querystring` of OpenAPI 3.2. Reading it is the same as for any other
//! parameter (see `parameters`); this is what it does not go with.

use crate::api::Parameter;
use crate::reader::Reader;
use crate::report::code;

impl Reader<'_> {
    /// OpenAPI 3.2 §4.12.1: the whole query is one value, so nothing else can be in it.
    pub(crate) fn remark_on_querystring(&mut self, parameters: &[Parameter], pointer: &str) {
        let count = |location: &str| parameters.iter().filter(|p| p.location == location).count();
        let whole = count("querystring");
        if whole > 1 || (whole == 1 && count("query") > 0) {
            self.report.warning(
                code::PARAMETER,
                pointer,
                "a parameter `in: querystring` stands beside another one for the query".to_owned(),
                "give one of them in a call; describe the query by one `querystring` or by `query` parameters",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{codes, names, openapi};

    #[test]
    fn the_whole_query_stands_alone() {
        let one = r#"{"name":"w","in":"querystring","content":{"a/b":{}}}"#;
        for (parameters, expected) in [
            (one.to_owned(), &[][..]),
            (format!(r#"{one},{{"name":"h","in":"header"}}"#), &[]),
            (format!(r#"{one},{{"name":"q","in":"query"}}"#), &["parameter_invalid"]),
            (format!("{one},{}", one.replace("\"w\"", "\"v\"")), &["parameter_invalid"]),
        ] {
            let api = openapi("3.2.0", &format!(r#""paths":{{"/a":{{"get":{{"parameters":[{parameters}]}}}}}}"#));
            assert_eq!(names(&api), ["GET /a"]);
            assert_eq!(codes(&api), expected, "{parameters}");
        }
    }
}
