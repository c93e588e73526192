//! `tasker dev`.

use std::path::PathBuf;

use clap::Args;

/// Write workflows and see them run.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Every definition file in the folder is registered, and again whenever it is written. What is wrong with
it is shown with line and column, and what was registered before stays. A version whose content has
changed is replaced: new tasks use the new content, tasks that run keep theirs. Everywhere else that is
refused, and a changed definition needs a new `version`.

The database is a file of its own, .tasker/tasker.db, whatever the configuration says: nothing that
others work with is touched.

Examples:
  tasker dev
  tasker dev --definitions ./workflows --allow-commands
  tasker dev --definitions order.yaml --listen 127.0.0.1:0 --data-dir /tmp/try

In another terminal, work with what runs here by its address, which is shown at the start:
  export TASKER_SERVER_URL=http://127.0.0.1:8080/tasker
  tasker task create order --context '{\"order_id\": 7}' --wait
  tasker task list

Ctrl-C or SIGTERM stops gracefully; a second signal stops at once. Tasks that are not done go on at the next start.")]
pub struct DevArgs {
    /// Definition file, or folder of them, to register and to watch; repeatable (besides worker.definitions)
    /// [default: workflows]
    #[arg(long, value_name = "PATH")]
    pub definitions: Vec<PathBuf>,
    /// Address and port to listen on (api.listen); port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Let steps run local programs (handler `command`)
    #[arg(long)]
    pub allow_commands: bool,
}
