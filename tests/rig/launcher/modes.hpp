// What the launcher can be. Each function ends the process or returns its exit code.
#pragma once

#include "options.hpp"
#include "stop.hpp"

namespace rig {

// A master with `options.agents` agents; returns when told to stop.
int run_master(const Options& options, StopSignals& signals);

// One agent; returns when told to stop.
int run_agent(const Options& options, StopSignals& signals);

// A test library's `rig_main` inside a process with the Mesos binary.
int run_library(const Options& options);

// `mesos-containerizer launch`: becomes the first process of a container.
int run_containerizer(int argc, char** argv);

// `mesos-io-switchboard`: carries what a container with a session prints.
int run_switchboard(int argc, char** argv);

}  // namespace rig
