#!/bin/busybox sh
# First process of the machine. It makes the system look as one that has booted with cgroups v2, runs
# /machine/run, sends exit code and /results through the second serial port, and switches the machine off.
# What it prints goes to the console, which is the first serial port.

/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
export PATH=/bin

mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -s /proc/self/fd /dev/fd
hostname machine
ifconfig lo 127.0.0.1 up
while read -r module; do
  insmod "/machine/modules/$module" || exit 1
done < /machine/modules/order
echo "machine: up"

cd /root
/bin/sh /machine/run &
program=$!
# A program that hangs leaves its results all the same; and a machine that nobody watches any more ends.
(sleep "$(cat /machine/limit)"; echo late > /machine/exit-code; kill -KILL "$program") &
wait "$program"
code=$?
[ -e /machine/exit-code ] || echo "$code" > /machine/exit-code

cd /
stty -F /dev/ttyS1 raw
find results machine/exit-code -type f | cpio -o -H newc > /dev/ttyS1
poweroff -f
