/* SPDX-License-Identifier: MIT */
/*
 * syscall_list.h - which number is which system call.
 *
 * Where the words of a call mean the same in 32-bit mode, its handler is the common one; the i386_ ones are adapters
 * (arch/i386/calls_*.c). Times of 64 bits are the common handlers' own.
 * Lock: none, constants.
 */
#ifndef KERNEL_ARCH_SYSCALL_LIST_H
#define KERNEL_ARCH_SYSCALL_LIST_H

/* What an interrupted call becomes that goes on where it was. */
#define NR_restart_syscall 0

/* X(number, name): Linux's numbers for i386. */
#define SYSCALLS(X)	\
	X(0, restart_syscall) X(1, exit) X(2, fork) X(3, read) X(4, write) X(5, open) X(6, close) \
	X(7, i386_waitpid) X(8, creat) X(9, link) X(10, unlink) X(11, execve) X(12, chdir) \
	X(13, i386_time) X(14, mknod) X(15, chmod) X(16, i386_lchown16) X(19, i386_lseek) \
	X(20, getpid) X(21, mount) X(22, i386_umount) X(23, i386_setuid16) X(24, i386_getuid16) \
	X(25, i386_stime) X(27, alarm) X(29, pause) X(30, i386_utime) X(33, access) \
	X(34, i386_nice) X(36, sync) X(37, kill) X(38, rename) X(39, mkdir) X(40, rmdir) \
	X(41, dup) X(42, pipe) X(43, times) X(45, brk) X(46, i386_setgid16) X(47, i386_getgid16) \
	X(48, i386_signal) X(49, i386_geteuid16) X(50, i386_getegid16) X(52, umount2) \
	X(54, ioctl) X(55, i386_fcntl) X(57, setpgid) X(60, umask) X(61, chroot) X(63, dup2) \
	X(64, getppid) X(65, getpgrp) X(66, setsid) X(67, i386_sigaction) X(70, i386_setreuid16) \
	X(71, i386_setregid16) X(72, i386_sigsuspend) X(73, i386_sigpending) X(74, sethostname) \
	X(75, i386_setrlimit) X(76, i386_getrlimit) X(77, getrusage) X(78, i386_gettimeofday) \
	X(79, i386_settimeofday) X(80, i386_getgroups16) X(81, i386_setgroups16) \
	X(82, i386_old_select) X(83, symlink) X(85, readlink) X(87, swapon) X(88, reboot) \
	X(90, i386_mmap) X(91, munmap) X(92, i386_truncate) X(93, i386_ftruncate) X(94, fchmod) \
	X(95, i386_fchown16) X(96, getpriority) X(97, setpriority) X(99, i386_statfs) \
	X(100, i386_fstatfs) X(102, i386_socketcall) X(103, syslog) X(104, i386_setitimer) \
	X(105, i386_getitimer) X(106, i386_stat) X(107, i386_lstat) X(108, i386_fstat) \
	X(114, wait4) X(115, swapoff) X(116, sysinfo) X(117, i386_ipc) X(118, fsync) \
	X(119, i386_sigreturn) X(120, i386_clone) X(121, setdomainname) X(122, uname) \
	X(125, mprotect) X(126, i386_sigprocmask) X(132, getpgid) X(133, fchdir) \
	X(136, personality) X(138, i386_setfsuid16) X(139, i386_setfsgid16) X(140, i386_llseek) \
	X(141, getdents) X(142, i386_select) X(143, flock) X(144, msync) X(145, readv) \
	X(146, writev) X(147, getsid) X(148, fdatasync) X(150, mlock) X(151, munlock) \
	X(152, mlockall) X(153, munlockall) X(154, sched_setparam) X(155, sched_getparam) \
	X(156, sched_setscheduler) X(157, sched_getscheduler) X(158, sched_yield) \
	X(159, sched_get_priority_max) X(160, sched_get_priority_min) \
	X(161, i386_sched_rr_get_interval) X(162, i386_nanosleep) X(163, mremap) \
	X(164, i386_setresuid16) X(165, i386_getresuid16) X(168, poll) X(170, i386_setresgid16) \
	X(171, i386_getresgid16) X(172, prctl) X(173, rt_sigreturn) X(174, rt_sigaction) \
	X(175, rt_sigprocmask) X(176, rt_sigpending) X(177, i386_rt_sigtimedwait) \
	X(178, rt_sigqueueinfo) X(179, rt_sigsuspend) X(180, i386_pread64) X(181, i386_pwrite64) \
	X(182, i386_chown16) X(183, getcwd) X(184, capget) X(185, capset) X(186, sigaltstack) \
	X(187, i386_sendfile) X(190, vfork) X(191, i386_ugetrlimit) X(192, i386_mmap2) \
	X(193, i386_truncate64) X(194, i386_ftruncate64) X(195, i386_stat64) X(196, i386_lstat64) \
	X(197, i386_fstat64) X(198, lchown) X(199, getuid) X(200, getgid) X(201, geteuid) \
	X(202, getegid) X(203, setreuid) X(204, setregid) X(205, getgroups) X(206, setgroups) \
	X(207, fchown) X(208, setresuid) X(209, getresuid) X(210, setresgid) X(211, getresgid) \
	X(212, chown) X(213, setuid) X(214, setgid) X(215, setfsuid) X(216, setfsgid) \
	X(217, pivot_root) X(218, mincore) X(219, madvise) X(220, getdents64) \
	X(221, i386_fcntl64) X(224, gettid) X(225, i386_readahead) X(226, setxattr) \
	X(227, lsetxattr) X(228, fsetxattr) X(229, getxattr) X(230, lgetxattr) X(231, fgetxattr) \
	X(232, listxattr) X(233, llistxattr) X(234, flistxattr) X(235, removexattr) \
	X(236, lremovexattr) X(237, fremovexattr) X(238, tkill) X(239, sendfile) \
	X(240, i386_futex) X(241, sched_setaffinity) X(242, sched_getaffinity) \
	X(243, set_thread_area) X(244, get_thread_area) X(250, i386_fadvise64) X(252, exit_group) \
	X(254, epoll_create) X(255, epoll_ctl) X(256, epoll_wait) X(257, remap_file_pages) \
	X(258, set_tid_address) X(259, timer_create) X(260, i386_timer_settime) \
	X(261, i386_timer_gettime) X(262, timer_getoverrun) X(263, timer_delete) \
	X(264, i386_clock_settime) X(265, i386_clock_gettime) X(266, i386_clock_getres) \
	X(267, i386_clock_nanosleep) X(268, i386_statfs64) X(269, i386_fstatfs64) X(270, tgkill) \
	X(271, i386_utimes) X(272, i386_fadvise64_64) X(274, mbind) X(275, get_mempolicy) \
	X(276, set_mempolicy) X(284, waitid) X(289, ioprio_set) X(290, ioprio_get) \
	X(291, inotify_init) X(292, inotify_add_watch) X(293, inotify_rm_watch) \
	X(294, migrate_pages) X(295, openat) X(296, mkdirat) X(297, mknodat) X(298, fchownat) \
	X(299, i386_futimesat) X(300, i386_fstatat64) X(301, unlinkat) X(302, renameat) \
	X(303, linkat) X(304, symlinkat) X(305, readlinkat) X(306, fchmodat) X(307, faccessat) \
	X(308, i386_pselect6) X(309, i386_ppoll) X(310, unshare) X(311, set_robust_list) \
	X(312, get_robust_list) X(313, splice) X(314, sync_file_range) X(315, tee) \
	X(316, vmsplice) X(317, move_pages) X(318, getcpu) X(319, epoll_pwait) \
	X(320, i386_utimensat) X(321, signalfd) X(322, timerfd_create) X(323, eventfd) \
	X(324, i386_fallocate) X(325, i386_timerfd_settime) X(326, i386_timerfd_gettime) \
	X(327, signalfd4) X(328, eventfd2) X(329, epoll_create1) X(330, dup3) X(331, pipe2) \
	X(332, inotify_init1) X(333, i386_preadv) X(334, i386_pwritev) X(335, rt_tgsigqueueinfo) \
	X(340, prlimit64) X(344, syncfs) X(345, sendmmsg) X(347, process_vm_readv) \
	X(348, process_vm_writev) X(351, sched_setattr) X(352, sched_getattr) X(353, renameat2) \
	X(355, getrandom) X(356, memfd_create) X(358, execveat) X(359, socket) X(360, socketpair) \
	X(361, bind) X(362, connect) X(363, listen) X(364, accept4) X(365, getsockopt) \
	X(366, setsockopt) X(367, getsockname) X(368, getpeername) X(369, sendto) X(370, sendmsg) \
	X(371, recvfrom) X(372, recvmsg) X(373, shutdown) X(374, userfaultfd) X(375, membarrier) \
	X(376, mlock2) X(377, copy_file_range) X(378, i386_preadv2) X(379, i386_pwritev2) \
	X(380, pkey_mprotect) X(381, pkey_alloc) X(382, pkey_free) X(383, statx) \
	X(384, arch_prctl) X(386, rseq) X(395, shmget) X(396, shmctl) X(397, shmat) X(398, shmdt) \
	X(403, clock_gettime) X(404, clock_settime) X(406, clock_getres) X(407, clock_nanosleep) \
	X(408, timer_gettime) X(409, timer_settime) X(410, timerfd_gettime) \
	X(411, timerfd_settime) X(412, utimensat) X(413, pselect6) X(414, ppoll) X(417, recvmmsg) \
	X(421, rt_sigtimedwait) X(422, futex) X(423, sched_rr_get_interval) \
	X(424, pidfd_send_signal) X(434, pidfd_open) X(435, clone3) X(436, close_range) \
	X(437, openat2) X(438, pidfd_getfd) X(439, faccessat2) X(440, process_madvise) \
	X(441, epoll_pwait2) X(452, fchmodat2) X(462, mseal)

#endif
