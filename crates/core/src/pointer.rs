//! JSON Pointer (RFC 6901).

/// The pointer of a member, or (by its number) of an item, of what `parent` points to.
pub fn pointer_to(parent: &str, key: &str) -> String {
    format!("{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_pointer_is_escaped() {
        assert_eq!(pointer_to("", "a/b~c"), "/a~1b~0c");
        assert_eq!(pointer_to("/list", "0"), "/list/0");
    }
}
