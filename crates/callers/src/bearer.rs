//! The bearer token of a request (RFC 6750 §2.1, RFC 9110 §11.4; AUTH-9, AUTH-10). Only the header counts: a token in
//! a query ends up in logs, one in a cookie is sent by every web page.

/// Longest token that is looked at.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Why a request has no usable token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerFault {
    /// There is no `Authorization` header.
    #[error("the request carries no token")]
    Missing,
    /// It is there and is no bearer token.
    #[error("the Authorization header carries no bearer token")]
    Malformed,
}

/// The token of the request's `Authorization` headers.
pub fn bearer<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Result<&'a str, BearerFault> {
    let mut headers = headers.into_iter();
    let header = headers.next().filter(|header| !header.trim_ascii().is_empty()).ok_or(BearerFault::Missing)?;
    // Which of two would count is a matter of taste, and so a way around a proxy.
    if headers.next().is_some() {
        return Err(BearerFault::Malformed);
    }
    let header = std::str::from_utf8(header).map_err(|_| BearerFault::Malformed)?;
    let (scheme, token) = header.split_once(' ').ok_or(BearerFault::Malformed)?;
    let token = token.trim();
    let is_token =
        (1..=MAX_TOKEN_BYTES).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    if scheme.eq_ignore_ascii_case("bearer") && is_token { Ok(token) } else { Err(BearerFault::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AUTH-9, AUTH-10.
    #[test]
    fn a_token_follows_the_first_space_behind_the_word_bearer() {
        use BearerFault::{Malformed, Missing};
        let long = format!("Bearer {}", "x".repeat(MAX_TOKEN_BYTES + 1));
        for (headers, expected) in [
            (&["Bearer abc"][..], Ok("abc")),
            (&["bEaReR   abc.def-_~+/=  "], Ok("abc.def-_~+/=")),
            (&[], Err(Missing)),
            (&[""], Err(Missing)),
            (&["   "], Err(Missing)),
            (&["token"], Err(Malformed)),
            (&["Bearer"], Err(Malformed)),
            (&["Bearer "], Err(Malformed)),
            (&["Basic abc"], Err(Malformed)),
            (&["Bearer a b"], Err(Malformed)),
            (&["Bearer\tabc"], Err(Malformed)),
            (&["Bearer \u{e9}"], Err(Malformed)),
            (&["Bearer a", "Bearer b"], Err(Malformed)),
            (&[&long], Err(Malformed)),
        ] {
            assert_eq!(bearer(headers.iter().map(|header| header.as_bytes())), expected, "{headers:?}");
        }
    }
}
