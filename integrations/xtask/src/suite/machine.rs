use super::Step;
pub(super) fn steps() -> Vec<Step> {
    vec![]
}
