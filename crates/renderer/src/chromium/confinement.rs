//! How far a browser is kept from the rest of this machine: its own sandbox, and an account that owns nothing.
//! It orders the ways from the closest to the loosest; trying them is the studio's business.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::GraphicsBackend;

/// `nobody` where no list of accounts names it.
const NOBODY: Account = Account { user: 65534, group: 65534 };

/// Numbers of a user and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) user: u32,
    pub(super) group: u32,
}

/// One way to confine a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Confinement {
    /// Whom it runs as, when that is not the user of this tool.
    pub(super) account: Option<Account>,
    /// Whether Chromium builds its sandbox.
    pub(super) sandbox: bool,
}

impl Confinement {
    /// What can be tried, the safest first. Chromium refuses to build a sandbox for root, and nobody else may become `nobody`.
    pub(crate) fn ways(graphics: GraphicsBackend) -> Vec<Self> {
        let is_root = rustix::process::geteuid().is_root();
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let graphics_group = match graphics {
            GraphicsBackend::SwiftShader => None,
            GraphicsBackend::System => group_of_graphics(Path::new("/dev/dri")),
        };
        ways(is_root, Account { group: graphics_group.unwrap_or(nobody(&accounts).group), ..nobody(&accounts) })
    }

    /// What has to be said about it, for it is less than was promised; nothing of a browser within its sandbox.
    pub(crate) fn shortcoming(self) -> Option<&'static str> {
        match self {
            Self { sandbox: true, .. } => None,
            Self { account: Some(_), .. } => Some(
                "Chromium cannot build its sandbox here: modules are drawn without it, by a browser that runs as nobody",
            ),
            Self { account: None, .. } => Some(
                "Chromium can neither build its sandbox here nor run as nobody: modules are drawn without a sandbox, by a \
                 browser that runs as root",
            ),
        }
    }
}

fn ways(is_root: bool, nobody: Account) -> Vec<Confinement> {
    if is_root {
        let apart = Confinement { account: Some(nobody), sandbox: true };
        vec![apart, Confinement { sandbox: false, ..apart }, Confinement { account: None, sandbox: false }]
    } else {
        vec![Confinement { account: None, sandbox: true }]
    }
}

/// The account in a text as `/etc/passwd` is.
fn nobody(accounts: &str) -> Account {
    let line = accounts.lines().find_map(|line| line.strip_prefix("nobody:"));
    let numbers = line.and_then(|line| {
        let mut fields = line.split(':').skip(1);
        Some(Account { user: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
    });
    numbers.unwrap_or(NOBODY)
}

/// The group that may use the machine's graphics card, if others may not.
fn group_of_graphics(devices: &Path) -> Option<u32> {
    let mut nodes = std::fs::read_dir(devices).ok()?.filter_map(Result::ok);
    let node = nodes.find(|node| node.file_name().to_string_lossy().starts_with("renderD"))?;
    let metadata = node.metadata().ok()?;
    // Group 0 owns more than graphics cards.
    (metadata.mode() & 0o006 != 0o006 && metadata.gid() != 0).then(|| metadata.gid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_gives_up_its_rights_before_the_sandbox_is_given_up() {
        let nobody = Account { user: 65534, group: 65534 };
        let root: Vec<_> = ways(true, nobody).iter().map(|way| (way.account.is_some(), way.sandbox)).collect();
        assert_eq!(root, [(true, true), (true, false), (false, false)]);
        let said: Vec<_> = ways(true, nobody).into_iter().map(Confinement::shortcoming).collect();
        assert!(said[0].is_none() && said[1].is_some_and(|said| said.contains("as nobody")));
        assert!(said[2].is_some_and(|said| said.contains("as root")));
        assert_eq!(ways(false, nobody), [Confinement { account: None, sandbox: true }], "users are never without one");
    }

    #[test]
    fn nobody_is_looked_up() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\nnobody:x:99:98:Nobody:/:/sbin/nologin\n";
        assert_eq!(nobody(accounts), Account { user: 99, group: 98 });
        assert_eq!(nobody("nobodyelse:x:1:1::/:\n"), NOBODY);
        assert_eq!(nobody("nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n"), NOBODY);
    }

    #[test]
    fn a_graphics_card_lends_its_group_only_where_others_are_shut_out() {
        use std::os::unix::fs::PermissionsExt;
        let devices = tempfile::tempdir().expect("a folder");
        assert_eq!(group_of_graphics(devices.path()), None);
        let node = devices.path().join("renderD128");
        std::fs::write(&node, "").expect("a file");
        let group = std::fs::metadata(&node).expect("there").gid();
        for (mode, expected) in [(0o666, None), (0o660, (group != 0).then_some(group))] {
            std::fs::set_permissions(&node, std::fs::Permissions::from_mode(mode)).expect("permissions");
            assert_eq!(group_of_graphics(devices.path()), expected);
        }
    }
}
