//! Members of an `ar` archive.

use object::read::archive::ArchiveFile;

/// The bytes of the only member whose name begins so.
pub(super) fn member<'a>(archive: &'a [u8], prefix: &str) -> Result<&'a [u8], String> {
    let file = ArchiveFile::parse(archive).map_err(|why| format!("not an archive: {why}"))?;
    let mut found = Vec::new();
    for member in file.members() {
        let member = member.map_err(|why| why.to_string())?;
        if member.name().starts_with(prefix.as_bytes()) {
            found.push(member.data(archive).map_err(|why| why.to_string())?);
        }
    }
    match found[..] {
        [one] => Ok(one),
        _ => Err(format!("{} members `{prefix}*` instead of one", found.len())),
    }
}
