//! Reads the fields of the consent page's form as a browser would send them.

/// The fields of the form on `page`: hidden ones, ticked boxes, the selected radio, and the pressed button.
pub fn fields(page: &str, button: (&str, &str)) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = page
        .split("<input ")
        .skip(1)
        .filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag))
        .filter(|tag| {
            let optional = matches!(attribute(tag, "type").as_deref(), Some("radio" | "checkbox"));
            !optional || tag.split_whitespace().any(|word| word == "checked")
        })
        .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
        .collect();
    fields.push((button.0.to_owned(), button.1.to_owned()));
    fields
}

/// The value of a quoted attribute.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    // The ampersand comes last, or `&amp;lt;` would be read twice.
    let replacements = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    Some(replacements.iter().fold(value.to_owned(), |text, (from, to)| text.replace(from, to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_sends_what_is_hidden_ticked_or_pressed() {
        let page = "<form><input type=\"hidden\" name=\"state\" value=\"a&amp;lt;b&quot;\">\
                    <input type=\"radio\" name=\"account\" value=\"one\" required checked>\
                    <input type=\"radio\" name=\"account\" value=\"two\" required>\
                    <input type=\"checkbox\" name=\"granted\" value=\"read\" checked></form>";
        let fields = fields(page, ("decision", "allow"));
        let expected = [("state", "a&lt;b\""), ("account", "one"), ("granted", "read"), ("decision", "allow")];
        let read: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(read, expected);
    }
}
