use crate::failure::Result;
use crate::fleet::Fleet;
pub(crate) fn fleet(_o: ffa_el2::bundle::Options) -> Result<Fleet> {
    todo!()
}
