//! What a question shows: pictures and words for the places of its wording.
//! Where they come from is not known here.

use bytes::Bytes;

use crate::profile::{Filling, Part, Slot, Template};

/// What a wording is filled with.
#[derive(Default)]
pub(crate) struct Shown<'a> {
    pub(crate) reference: Bytes,
    pub(crate) images: [Bytes; 2],
    pub(crate) seen_from: &'a str,
    pub(crate) main_object: &'a str,
    pub(crate) features: &'a str,
}

impl Shown<'_> {
    pub(crate) fn parts(&self, template: &Template) -> Vec<Part> {
        template.fill(|slot| match slot {
            Slot::ReferenceImage => Filling::Picture(self.reference.clone()),
            Slot::Image1 => Filling::Picture(self.images[0].clone()),
            Slot::Image2 => Filling::Picture(self.images[1].clone()),
            Slot::SeenFrom => Filling::Words(self.seen_from),
            Slot::MainObject => Filling::Words(self.main_object),
            Slot::Features => Filling::Words(self.features),
        })
    }
}

/// Name of a white view's picture.
pub(crate) fn white(view: &str) -> String {
    format!("white/{view}.png")
}
