//! The machine that a rehearsal's generator runs on: somebody's own, or one that is rented for the time and given back on every way out.
//! One that a killed run has left behind is taken up again by the next.

use std::fmt;

use gen404_generator::Endpoint;
use gen404_repository::{Card, Hardware};
use gen404_targon::{
    Cause, HeldLease, ImageReference, Lease, NotStopped, Order, Phase, PodKind, PodTag, ResourceName, StartError,
    Started, TargonError, Uid, price_in_words, start,
};

use super::Arguments;
use super::journal::{Journal, Machine};
use crate::arguments::targon::PodArguments;
use crate::context::Context;
use crate::errors::CommandError;
use crate::targon::start::{order, show_log};
use crate::targon::{Account, Watching};

/// Where the generator is.
pub(super) enum Source<'a> {
    /// It runs already.
    Running(Endpoint),
    /// It is an image.
    Image(Box<Image<'a>>),
}

pub(super) struct Image<'a> {
    reference: &'a ImageReference,
    order: Order,
    pod: &'a PodArguments,
}

impl<'a> Source<'a> {
    pub(super) fn of(arguments: &'a Arguments) -> Result<Self, CommandError> {
        let (image, running) = (&arguments.image_url, &arguments.endpoint);
        let Some(image) = image else {
            let missing = || CommandError::usage("--endpoint is missing");
            return running.clone().map(Self::Running).ok_or_else(missing);
        };
        let pod = &arguments.pod;
        let mut order = order(PodKind::Generator, Some(image.clone()), pod)?;
        if let Some(file) = &arguments.hardware_json {
            let text = std::fs::read_to_string(file)
                .map_err(|error| CommandError::usage(format!("cannot read {}: {error}", file.display())))?;
            let hardware = Hardware::read(Some(&text));
            if let Some(note) = &hardware.note {
                return Err(CommandError::usage(note.to_string()));
            }
            if pod.resource.is_none() {
                order.pod.resource = resource(hardware.used());
            }
        }
        Ok(Self::Image(Box::new(Image { reference: image, order, pod })))
    }

    /// An address to check pictures of this machine against. One that is rented is elsewhere.
    pub(super) fn first_address(&self) -> Endpoint {
        match self {
            Self::Running(endpoint) => endpoint.clone(),
            Self::Image(_) => "https://rented.invalid".parse().expect("an address"),
        }
    }
}

/// As the journal names it.
impl fmt::Display for Source<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(endpoint) => endpoint.fmt(formatter),
            Self::Image(image) => formatter.write_str(image.reference.as_str()),
        }
    }
}

/// The machine that the subnet verifies on, by the cloud's name for it.
fn resource(card: Card) -> ResourceName {
    let name = match card {
        Card::FourH200 => "h200-large",
        Card::FourRtx6000Pro => "rtx6000pro-large",
    };
    name.parse().expect("both names follow the rule")
}

/// The machines of a rehearsal, one at a time.
pub(super) struct Machines<'a> {
    context: &'a Context,
    journal: &'a Journal,
    place: Place<'a>,
    rented: Option<Rented>,
    replacements: u32,
}

enum Place<'a> {
    Running(&'a Endpoint),
    Cloud(&'a Image<'a>, Box<Account>),
}

struct Rented {
    url: String,
    pod: PodTag,
    /// Held, so that every command knows a machine whose run has died.
    lease: HeldLease,
}

impl<'a> Machines<'a> {
    pub(super) fn new(
        context: &'a Context,
        source: &'a Source<'a>,
        journal: &'a Journal,
        replacements: u32,
    ) -> Result<Self, CommandError> {
        let place = match source {
            Source::Running(endpoint) => Place::Running(endpoint),
            Source::Image(image) => {
                Place::Cloud(image, Box::new(Account::open_with_key(&context.ui, &image.pod.targon)?))
            }
        };
        Ok(Self { context, journal, place, rented: None, replacements })
    }

    /// How many more a generator may ask for.
    pub(super) fn replacements(&self) -> u32 {
        self.replacements
    }

    /// Where the generator answers, on a machine that is rented when there is none; `None` when its image never did.
    pub(super) async fn endpoint(&mut self) -> Result<Option<Endpoint>, CommandError> {
        let (image, account) = match &self.place {
            Place::Running(endpoint) => return Ok(Some((*endpoint).clone())),
            Place::Cloud(image, account) => (image, account),
        };
        if self.rented.is_none() {
            self.rented = match self.left_behind(account).await? {
                Some(rented) => Some(rented),
                None => self.rent(account, image).await?,
            };
        }
        Ok(self.rented.as_ref().map(|rented| rented.url.parse()).transpose()?)
    }

    /// Another machine in the place of one whose generator is gone; false when the subnet would give no other.
    pub(super) async fn replace(&mut self, why: CommandError) -> Result<bool, CommandError> {
        if matches!(self.place, Place::Running(_)) {
            return Err(why);
        }
        self.context.ui.warning(&why.message);
        self.give_back().await?;
        let left = self.replacements.checked_sub(1);
        self.replacements = left.unwrap_or_default();
        Ok(left.is_some())
    }

    /// Gives back what is rented. Ctrl-C does not end this.
    pub(super) async fn give_back(&mut self) -> Result<(), CommandError> {
        let (Some(Rented { pod, lease, .. }), Place::Cloud(_, account)) = (self.rented.take(), &self.place) else {
            return Ok(());
        };
        self.context.ui.status(format!("giving back {} ({})", pod.name, pod.uid));
        if let Err(error) = account.client.give_back(&pod.uid).await {
            return Err(NotStopped(vec![(pod, error)]).into());
        }
        account.leases.forget(&pod.uid)?;
        self.journal.rented(None);
        let age = account.client.age(lease.lease().created_at);
        let spent = pod.cost_per_hour.map(|price| format!(", {} spent", price.for_time(age))).unwrap_or_default();
        self.context.ui.done(format!("`{}` is given back{spent}", pod.name));
        self.journal.intact()
    }

    /// The machine of a run that was killed, when it still runs.
    async fn left_behind(&self, account: &Account) -> Result<Option<Rented>, CommandError> {
        let Some(Machine { uid, url }) = self.journal.machine() else { return Ok(None) };
        let Some(lease) = lease_of(account, &uid)? else { return Ok(None) };
        let looking = async { Ok(account.client.workload(&uid).await) };
        let is_there = match self.context.until_interrupted(looking).await? {
            Ok(workload) => !workload.state.status.is_over(),
            Err(TargonError::NotFound { .. }) => false,
            // Nobody knows, and a machine that may cost money is not forgotten.
            Err(error) => return Err(error.into()),
        };
        if !is_there {
            account.leases.forget(&uid)?;
            return Ok(None);
        }
        let price = price_in_words(lease.cost_per_hour);
        self.context
            .ui
            .status(format!("the machine of the run before is still there ({uid}, {price}): going on with it"));
        let pod = PodTag { uid, name: lease.name.to_string(), cost_per_hour: lease.cost_per_hour };
        Ok(Some(Rented { url, pod, lease: account.leases.hold(lease)? }))
    }

    async fn rent(&self, account: &Account, image: &Image<'_>) -> Result<Option<Rented>, CommandError> {
        let observer = Watching::new(&self.context.ui, PodKind::Generator.name());
        let interrupt = self.context.interrupt.token();
        let outcome = start(&account.client, &account.leases, &image.order, interrupt, &observer).await;
        let Started { pod, url, .. } = match outcome {
            Ok(started) => started,
            // The image had its time on a machine, and did not answer: that is a verdict.
            Err(error @ StartError::GivenBack { cause: Cause::Failed(_), .. }) => {
                show_log(self.context, &error);
                self.context.ui.warning(CommandError::from(error).message);
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let url = url.map(|url| url.to_string()).unwrap_or_default();
        self.journal.rented(Some(Machine { uid: pod.uid.clone(), url: url.clone() }));
        let held = lease_of(account, &pod.uid).and_then(|lease| {
            let lease = lease.ok_or_else(|| CommandError::failed(format!("the lease of {} is gone", pod.uid)))?;
            Ok(account.leases.hold(lease)?)
        });
        match held {
            Ok(lease) => Ok(Some(Rented { url, pod, lease })),
            // A machine that no later command would know of is not kept.
            Err(error) => match account.client.give_back(&pod.uid).await {
                Ok(()) => Err(error),
                Err(stop) => Err(NotStopped(vec![(pod, stop)]).into()),
            },
        }
    }
}

/// The lease of that machine, as one of a run that is under way.
fn lease_of(account: &Account, uid: &Uid) -> Result<Option<Lease>, CommandError> {
    let found = account.leases.all()?.into_iter().map(|found| found.lease).find(|lease| lease.uid == *uid);
    Ok(found.map(|lease| Lease { phase: Phase::Starting, ..lease }))
}
