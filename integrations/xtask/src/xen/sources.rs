//! Where a machine gets Debian's packages from, turned into where it gets their sources from.

/// The entries of a one-line list (`sources.list`) that are Debian's, for sources.
pub(super) fn from_lines(list: &str) -> String {
    let entries = list.lines().filter_map(|line| {
        let (kind, rest) = line.trim().split_once(char::is_whitespace)?;
        (kind == "deb" && is_debians(rest)).then(|| format!("deb-src {}\n", rest.trim_start()))
    });
    entries.collect()
}

/// The same of a list in paragraphs (`*.sources`).
pub(super) fn from_paragraphs(list: &str) -> String {
    let lines: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    let paragraphs = lines.split(|line| line.trim().is_empty());
    paragraphs.filter_map(source_paragraph).collect()
}

fn source_paragraph(lines: &[&str]) -> Option<String> {
    let has_packages = field(lines, "Types")?.split_whitespace().any(|kind| kind == "deb");
    let enabled = !field(lines, "Enabled").is_some_and(|value| value.eq_ignore_ascii_case("no"));
    if !(has_packages && enabled && is_debians(&field(lines, "URIs")?)) {
        return None;
    }
    let kept = lines.iter().filter(|line| value_of(line, "Types").is_none());
    let text: String = kept.map(|line| format!("{line}\n")).collect();
    Some(format!("Types: deb-src\n{text}\n"))
}

/// The value of a field, with the lines that continue it.
fn field(lines: &[&str], name: &str) -> Option<String> {
    let at = lines.iter().position(|line| value_of(line, name).is_some())?;
    let (first, others) = lines.get(at..)?.split_first()?;
    let continued = others.iter().take_while(|line| line.starts_with([' ', '\t']));
    let value = value_of(first, name)?.trim();
    Some(continued.fold(value.to_owned(), |value, line| format!("{value} {}", line.trim())))
}

fn value_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = line.split_once(':')?;
    found.eq_ignore_ascii_case(name).then_some(value)
}

/// Mirrors carry the distribution's name in their path; a disc has no sources that apt could fetch.
fn is_debians(place: &str) -> bool {
    let place = place.to_ascii_lowercase();
    place.contains("debian") && !place.contains("cdrom:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_entries_become_sources() {
        let list = "# deb http://mirror.example/debian bookworm main\n\
                    deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib\n\
                    deb-src http://mirror.example/debian bookworm main\n\
                    \tdeb\thttp://mirror.example/debian-security bookworm-security main\n\
                    deb cdrom:[Debian GNU/Linux 12]/ bookworm main\n\
                    deb http://other.example/apt stable main\n";
        assert_eq!(
            from_lines(list),
            "deb-src [signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib\n\
             deb-src http://mirror.example/debian-security bookworm-security main\n"
        );
    }

    #[test]
    fn paragraphs_become_sources() {
        let list = "# The mirror\nTypes: deb deb-src\nURIs: http://mirror.example/debian\n\
                    # http://snapshot.example/\nSuites: bookworm bookworm-updates\n\
                    Components: main\nSigned-By:\n -----BEGIN PGP-----\n .\n mQ\n";
        assert_eq!(
            from_paragraphs(list),
            "Types: deb-src\nURIs: http://mirror.example/debian\n\
             Suites: bookworm bookworm-updates\n\
             Components: main\nSigned-By:\n -----BEGIN PGP-----\n .\n mQ\n\n"
        );
    }

    #[test]
    fn field_names_have_no_case_and_values_may_go_on() {
        let list = "types: deb\nuris:\n http://mirror.example/\n mirror+file:/etc/debian.list\n";
        let sources = from_paragraphs(list);
        assert!(
            sources.starts_with("Types: deb-src\nuris:\n http://mirror.example/\n"),
            "{sources}"
        );
    }

    #[test]
    fn other_paragraphs_are_left_out() {
        let debian = "URIs: http://mirror.example/debian\nSuites: sid\nComponents: main\n";
        for list in [
            String::new(),
            format!("Types: deb-src\n{debian}"),
            format!("Types: deb\nEnabled: no\n{debian}"),
            "Types: deb\nURIs: http://other.example/apt\nSuites: stable\n".into(),
            "Types: deb\nSuites: stable\n".into(),
        ] {
            assert_eq!(from_paragraphs(&list), "", "{list}");
        }
        let two = format!("Types: deb-src\n{debian}\n \nTypes: deb\n{debian}");
        assert_eq!(from_paragraphs(&two).matches("Types:").count(), 1);
    }
}
