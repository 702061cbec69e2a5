//! A storage with a bucket, and modules to put into it.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use gen404_outside::observer::Observer;
use gen404_outside::retry::Pauses;
use gen404_sandbox::storage::{Fault, Storage};
use gen404_storage::{
    Bucket, Credentials, Delivered, Delivery, Endpoint, Environment, Event, Location, Md5, Module, Patience, Profile,
    Upload, UploadError,
};
use tempfile::TempDir;

/// Short waits, for a storage on this machine.
pub(crate) const PATIENCE: Patience = Patience {
    tries: 4,
    pauses: Pauses {
        first: Duration::from_millis(1),
        longest: Duration::from_secs(2),
        longest_wish: Duration::from_secs(2),
    },
};

pub(crate) struct World {
    folder: TempDir,
    pub(crate) storage: Storage,
    pub(crate) location: Location,
    pub(crate) modules: Vec<Module>,
    pub(crate) dry_run: bool,
}

/// What was told while it went on.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Vec<String>>);

impl Told {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().expect("nobody panicked").clone()
    }
}

impl Observer<Event<'_>> for Told {
    fn on(&self, event: Event<'_>) {
        let words = match event {
            Event::KeysWork => "keys work".to_owned(),
            Event::ProbeLeft { key, error } => format!("{key} left: {error}"),
            Event::Delivered(_) => return,
            Event::Retrying { error, .. } => format!("again: {error}"),
        };
        self.0.lock().expect("nobody panicked").push(words);
    }
}

impl World {
    /// With so many modules below `17`.
    pub(crate) async fn with(modules: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["buckets/cdn", "modules"] {
            std::fs::create_dir_all(folder.path().join(name)).expect("made");
        }
        let storage = Storage::start(&folder.path().join("buckets/cdn")).await.expect("a storage");
        let location = "s3://cdn/17".parse().expect("a location");
        let mut world = Self { folder, storage, location, modules: Vec::new(), dry_run: false };
        for number in 0..modules {
            world.write(&format!("stem{number:03}"), &format!("export default {number}; // módulo\n"));
        }
        world
    }

    /// Writes a module here, or another text in its place.
    pub(crate) fn write(&mut self, stem: &str, text: &str) {
        let path = self.folder.path().join(format!("modules/{stem}.js"));
        std::fs::write(&path, text).expect("written");
        let module = Module {
            stem: stem.parse().expect("a stem"),
            path,
            bytes: text.len() as u64,
            md5: Md5::of(text.as_bytes()),
        };
        self.modules.retain(|known| known.stem != module.stem);
        self.modules.push(module);
    }

    pub(crate) fn environment(&self, changes: &[(&str, &str)]) -> Environment {
        let access = self.storage.access();
        let mut variables: std::collections::BTreeMap<_, _> =
            [("AWS_ACCESS_KEY_ID", access.access_key_id), ("AWS_SECRET_ACCESS_KEY", access.secret_access_key)].into();
        variables.extend(changes.iter().copied());
        Environment::new(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())), None)
    }

    pub(crate) async fn bucket(&self, changes: &[(&str, &str)], region: Option<&str>) -> Bucket {
        let environment = self.environment(changes);
        let address = self.storage.access().endpoint_url.parse().expect("a URL");
        let endpoint = Endpoint::new(Some(address), region);
        let credentials = Credentials::find(&environment, &Profile::default(), false).await.expect("keys");
        Bucket::new(endpoint, self.location.bucket(), credentials, None).expect("a client")
    }

    /// Uploads with the right keys.
    pub(crate) async fn upload(&self) -> (Vec<Delivery>, Result<(), UploadError>, Vec<String>) {
        let bucket = self.bucket(&[], None).await;
        self.upload_to(&bucket).await
    }

    pub(crate) async fn upload_to(&self, bucket: &Bucket) -> (Vec<Delivery>, Result<(), UploadError>, Vec<String>) {
        let upload = Upload {
            bucket,
            location: &self.location,
            modules: &self.modules,
            concurrency: 8,
            patience: PATIENCE,
            dry_run: self.dry_run,
        };
        let told = Told::default();
        let (delivered, outcome) = upload.run(&told).await;
        (delivered.into_iter().map(|Delivered { delivery, .. }| delivery).collect(), outcome, told.all())
    }

    /// The error of an upload that does not go well.
    pub(crate) async fn failure(&self, bucket: &Bucket) -> String {
        let (_, outcome, _) = self.upload_to(bucket).await;
        let error = outcome.expect_err("it fails");
        assert!(!format!("{error}{error:?}").contains(self.storage.access().secret_access_key), "{error:?}");
        error.to_string()
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.storage.faults().set([fault]);
    }

    pub(crate) fn object(&self, stem: &str) -> PathBuf {
        self.folder.path().join(format!("buckets/cdn/17/{stem}.js"))
    }

    pub(crate) fn content(&self, stem: &str) -> Option<String> {
        std::fs::read_to_string(self.object(stem)).ok()
    }

    /// When the storage wrote an object.
    pub(crate) fn modified(&self, stem: &str) -> SystemTime {
        std::fs::metadata(self.object(stem)).expect("it is there").modified().expect("a time")
    }

    /// Names of everything in the bucket below the prefix.
    pub(crate) fn listed(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("buckets/cdn/17"));
        let names = entries.into_iter().flatten().map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Modules that the storage was given so far, whatever became of them.
    pub(crate) fn puts(&self) -> usize {
        let of_module = |path: &str| path.contains("/17/stem");
        self.storage.requests().iter().filter(|seen| seen.method == "PUT" && of_module(&seen.path)).count()
    }
}
