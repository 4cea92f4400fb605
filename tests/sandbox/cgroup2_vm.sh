#!/bin/bash
# The limits of the sandbox under control groups of version 2, on a kernel of Debian's, in a virtual
# machine: for machines that have version 1 only. Not part of the default tests.
#
#   tests/sandbox/cgroup2_vm.sh linux-image-….deb [BUILD_FOLDER]      (default: build)
#
# Needs qemu-system-x86_64 and a static busybox (Debian: qemu-system-x86 busybox-static), and in the
# build folder tests/sandbox/*, sandbox-doctor too. It emulates,
# which is slow, unless QEMU says otherwise (QEMU='-accel kvm -cpu host'): tests that look at a clock
# may then fail for that alone.
#
# The machine's root is a tmpfs that the initramfs fills with the programs, at their own paths, and the
# libraries that they link. It runs the same tests four times: as root; as an ordinary user whose group
# was delegated to it, as systemd does; as one whose group was not; and as root in a group of its own
# that hands out no controllers.
set -eu
deb=$(readlink -f "$1")
build=$(readlink -f "${2:-build}")
filter=${FILTER:-SandboxLimits.*:Soak.*:Containment.TheJailDies*:SandboxTest.Reports*}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

dpkg-deb -x "$deb" "$work/kernel"
kernel=$(echo "$work"/kernel/boot/vmlinuz-*)
root=$work/root
mkdir -p "$root"/{usr/bin,usr/sbin,usr/lib,usr/lib64,etc,proc,sys,dev,tmp,var/tmp,root,modules,new}
for folder in bin sbin lib lib64; do ln -s usr/$folder "$root/$folder"; done
chmod 1777 "$root/tmp" "$root/var/tmp"

files=("$(command -v busybox)" /usr/bin/{dash,sed,grep} /usr/sbin/chroot)
while read -r file; do files+=("$file"); done < <(
  dpkg -L coreutils | grep -E '^/(usr/)?bin/' | sed 's|^/bin|/usr/bin|'
  find "$build/tests/sandbox" -maxdepth 1 -type f -executable
  ls -d "$build"/{sandbox/launcher/tessera-launcher,bench/sandbox/sandbox-limits} 2>/dev/null)
while read -r file; do files+=("$file"); done < <(ldd "${files[@]}" 2>/dev/null | grep -oE '/[^ :]+ \(' | tr -d ' (' | sort -u)
(cd / && printf '%s\n' "${files[@]}" | sort -u | tar -chf - --ignore-failed-read -T - 2>/dev/null) | tar -xf - -C "$root" --keep-directory-symlink
ln -sf dash "$root/usr/bin/sh"
programs=$(cd "$(dirname "$0")/../programs" && pwd)
mkdir -p "$root$(dirname "$programs")"
cp -r "$programs" "$root$programs"
find "$root" -type f -size +4M -exec strip {} + 2>/dev/null || true
echo 'root:x:0:0::/root:/bin/sh' > "$root/etc/passwd"
echo 'nobody:x:65534:65534::/nonexistent:/bin/sh' >> "$root/etc/passwd"
module=$(find "$work/kernel/lib/modules" -name 'overlay.ko*')
cp "$module" "$root/modules/"
case $module in *.xz) xz -d "$root/modules/overlay.ko.xz" ;; esac

cat > "$root/init" <<'INIT'
#!/usr/bin/busybox sh
export PATH=/usr/bin
/usr/bin/busybox mount -t proc proc /proc
/usr/bin/busybox mount -t devtmpfs dev /dev
/usr/bin/busybox insmod /modules/overlay.ko
# A root that is not the kernel's first can be left by pivot_root.
/usr/bin/busybox mount -t tmpfs -o mode=755,size=80% root /new
for folder in usr etc root work tmp var modules __BUILD_TOP__; do
  [ -e /$folder ] && [ ! -e /new/$folder ] && cp -a /$folder /new/
done
cp -a /bin /sbin /lib /lib64 /cases /new/
mkdir -p /new/proc /new/sys /new/dev
/usr/bin/busybox umount /proc
/usr/bin/busybox mount --move /dev /new/dev
exec /usr/bin/busybox switch_root /new /cases
INIT
sed -i "s|__BUILD_TOP__|$(echo "$build" | cut -d/ -f2)|" "$root/init"

cat > "$root/cases" <<CASES
#!/usr/bin/busybox sh
export PATH=/usr/bin HOME=/root TESSERA_SOAK=20
busybox=/usr/bin/busybox
\$busybox mount -t proc proc /proc
\$busybox mount -t sysfs sys /sys
mkdir -p /dev/shm && \$busybox mount -t tmpfs -o mode=1777 shm /dev/shm
\$busybox mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
\$busybox ip link set lo up 2>/dev/null
g=/sys/fs/cgroup
tests=$build/tests/sandbox
echo "kernel \$(\$busybox uname -r)"
one() {  # NAME GROUP PROGRAM
  echo "== \$1"
  (
    echo 0 > \$2/cgroup.procs
    case \$1 in
      root*) \$tests/sandbox-doctor ;;
      *) /usr/sbin/chroot --userspec=65534:65534 / \$tests/sandbox-doctor ;;
    esac
    \$tests/\$3 --gtest_filter='$filter' > /tmp/log 2>&1
    echo "\$1: exit \$?" >> /tmp/results
    grep -aE 'FAILED|PASSED|SKIPPED|Failure|^[a-z]+:|Which is|runs:' /tmp/log || tail -3 /tmp/log
  )
  left=\$(find \$g -name 'tessera-*' | wc -l)
  echo "\$1: groups left behind: \$left"
  [ "\$left" = 0 ] || echo "\$1: exit 1, groups left" >> /tmp/results
}
mkdir \$g/init && echo 1 > \$g/init/cgroup.procs
echo '+memory +pids' > \$g/cgroup.subtree_control
one 'root, in the root group' \$g sandbox_test
mkdir \$g/user && echo '+memory +pids' > \$g/user/cgroup.subtree_control && mkdir \$g/user/session
for f in \$g/user \$g/user/cgroup.procs \$g/user/cgroup.subtree_control \$g/user/session \$g/user/session/cgroup.procs; do
  chown 65534:65534 \$f
done
one 'ordinary user, delegated' \$g/user/session sandbox_unprivileged_test
mkdir \$g/plain
one 'ordinary user, not delegated' \$g/plain sandbox_unprivileged_test
mkdir \$g/alone && mkdir \$g/alone/leaf
one 'root, no controllers' \$g/alone/leaf sandbox_test
if [ -x $build/bench/sandbox/sandbox-limits ]; then
  echo '== limits, as root'
  (echo 0 > \$g/cgroup.procs; $build/bench/sandbox/sandbox-limits)
fi
echo '== results'
cat /tmp/results
\$busybox poweroff -f
CASES
chmod +x "$root/init" "$root/cases"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initramfs"

qemu-system-x86_64 ${QEMU:--accel tcg -cpu qemu64,-cx16} -nic none -m "${MEMORY:-3072}" -smp 2 -nographic -no-reboot -kernel "$kernel" \
  -initrd "$work/initramfs" -append 'console=ttyS0 quiet panic=-1 no_timer_check cgroup_no_v1=all' | tee "$work/console"
# Each of the four says `exit 0`.
[ "$(sed -n '/== results/,$p' "$work/console" | tr -d '\r' | grep -c ': exit 0$')" = 4 ]
