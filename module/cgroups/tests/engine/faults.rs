//! Every operation fails once, with each error: nothing leaks, and the way out still works.

use std::sync::Arc;

use crate::support::{ALL, open, path, placement};
use apportion_cgroups::fake::FakeKernel;
use apportion_cgroups::{Bound, GroupError, GroupPath, Groups, Limits, Patience, Pid, Plan, Shape};

const ERRORS: [i32; 4] =
    [crate::support::ENOSPC, crate::support::EBUSY, crate::support::EACCES, crate::support::ENOENT];

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.cpu.shares = 512;
    limits.cpu.quota_us = Bound::At(50_000);
    limits.memory.max = Bound::At(64 << 20);
    limits.memory.swap = Bound::At(0);
    limits.pids = Bound::At(100);
    limits
}

/// The life of a container and of one nested in it.
fn life(
    kernel: &Arc<FakeKernel>,
    groups: &Groups,
    outer: &GroupPath,
    inner: &GroupPath,
) -> Result<(), GroupError> {
    let abilities = groups.abilities()?;
    let plan = Plan::create(&limits(), &abilities).expect("the fake has all settings");
    groups.create(outer, Shape::Inner)?;
    groups.apply(outer, &plan)?;
    groups.add(outer, Pid::new(200).unwrap())?;
    groups.create(inner, Shape::Leaf)?;
    groups.apply(inner, &plan)?;
    groups.add(inner, Pid::new(201).unwrap())?;
    groups.usage(outer)?;
    kernel.exit(201);
    groups.kill(inner)?;
    groups.destroy(inner)?;
    groups.kill(outer)?;
    groups.destroy(outer)?;
    Ok(())
}

/// What the isolator does with a container whose call failed.
fn clean_up(groups: &Groups, outer: &GroupPath) {
    groups.kill(outer).unwrap();
    groups.destroy(outer).unwrap();
    assert!(!groups.destroy(outer).unwrap(), "a second time there is nothing to destroy");
}

#[test]
fn whatever_fails_nothing_leaks_and_cleaning_up_works() {
    for fake in ALL {
        let mut injected = 0;
        for errno in ERRORS {
            for operation in 0.. {
                let kernel = Arc::new(fake());
                let groups = open(&kernel);
                kernel.spawn(200);
                kernel.spawn(201);
                let before = kernel.groups();
                let (outer, inner) = (path("a"), path("a").child("b").unwrap());
                kernel.fail_at(operation, errno);
                let outcome = life(&kernel, &groups, &outer, &inner);
                let came = kernel.heal();
                if came {
                    injected += 1;
                }
                if let Err(error) = &outcome {
                    assert!(came, "operation {operation}: {error}");
                    assert!(error.to_string().contains("; "), "no cure: {error}");
                }
                // What is there is found, and only the container's own.
                for found in groups.recover().unwrap() {
                    assert!(found.path == outer || found.path == inner, "{found:?}");
                }
                clean_up(&groups, &outer);
                assert_eq!(kernel.groups(), before, "operation {operation} failed with {errno}");
                assert!(kernel.processes().contains(&100), "the agent lives");
                if !came {
                    assert!(outcome.is_ok());
                    break;
                }
            }
        }
        assert!(injected > 200, "only {injected} failures");
    }
}

#[test]
fn a_create_that_fails_removes_what_it_made() {
    for fake in ALL {
        for errno in ERRORS {
            for operation in 0.. {
                let kernel = Arc::new(fake());
                let groups = open(&kernel);
                let before = kernel.groups();
                kernel.fail_at(operation, errno);
                let outcome = groups.create(&path("a"), Shape::Inner);
                if !kernel.heal() {
                    outcome.unwrap();
                    break;
                }
                if outcome.is_err() {
                    assert_eq!(kernel.groups(), before, "operation {operation} failed with {errno}");
                }
            }
        }
    }
}

#[test]
fn opening_that_fails_can_be_repeated() {
    for fake in ALL {
        for errno in ERRORS {
            for operation in 0.. {
                let kernel = Arc::new(fake());
                let placement = placement(&kernel);
                kernel.fail_at(operation, errno);
                let outcome = Groups::open(kernel.clone(), &placement, Patience::default());
                let came = kernel.heal();
                if outcome.is_err() {
                    let left: Vec<_> =
                        kernel.groups().into_iter().filter(|path| path.ends_with("containers")).collect();
                    assert_eq!(
                        left,
                        [] as [std::path::PathBuf; 0],
                        "operation {operation} failed with {errno}"
                    );
                }
                let again = open(&kernel);
                assert_eq!(again.recover().unwrap(), []);
                if !came {
                    outcome.unwrap();
                    break;
                }
            }
        }
    }
}

#[test]
fn wherever_it_crashes_the_next_start_finds_all_and_cleans_up() {
    for fake in ALL {
        for operation in 0.. {
            let kernel = Arc::new(fake());
            let groups = open(&kernel);
            kernel.spawn(200);
            kernel.spawn(201);
            let before = kernel.groups();
            let (outer, inner) = (path("a"), path("a").child("b").unwrap());
            kernel.crash_at(operation);
            let outcome = life(&kernel, &groups, &outer, &inner);
            let crashed = kernel.heal();
            assert_eq!(outcome.is_err(), crashed);
            drop(groups);

            let groups = open(&kernel);
            for found in groups.recover().unwrap().into_iter().rev() {
                groups.kill(&found.path).unwrap();
                groups.destroy(&found.path).unwrap();
            }
            assert_eq!(kernel.groups(), before, "crash at operation {operation}");
            if !crashed {
                break;
            }
        }
    }
}
