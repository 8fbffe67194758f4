/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * ffa_xen.o: the FF-A mediator of ffa-core as a library for Xen.
 *
 * Written by cbindgen from integrations/xen/src: change that, not this file
 * (`cargo run -p ffa-xen --example header`).
 */

#ifndef FFA_XEN_H
#define FFA_XEN_H

#ifdef __XEN__
#include <xen/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

/*
 How many registers a call has: x0..x17.
 */
#define FFA_XEN_REGISTERS 18

/*
 How a service ended.
 */
enum ffa_xen_page_result {
    /*
     The page is there.
     */
    FFA_XEN_PAGE_RESULT_OK = 0,
    /*
     The address is not one of RAM that this domain may write.
     */
    FFA_XEN_PAGE_RESULT_NOT_MEMORY = 1,
    /*
     Xen lacks memory or mappings.
     */
    FFA_XEN_PAGE_RESULT_NO_MEMORY = 2,
};

/*
 How much a line of the log matters.
 */
enum ffa_xen_log_level {
    /*
     Something does not work, and the reader should know.
     */
    FFA_XEN_LOG_LEVEL_WARNING = 0,
    /*
     What was found and decided.
     */
    FFA_XEN_LOG_LEVEL_INFO = 1,
    /*
     A guest caused it, and may again: to be limited. Nothing logs so yet.
     */
    FFA_XEN_LOG_LEVEL_GUEST = 2,
};

/*
 How a function of the surface ended.
 */
enum ffa_xen_status {
    /*
     Done.
     */
    FFA_XEN_STATUS_OK = 0,
    /*
     Not done yet: call again after `ffa_xen_poll` was called.
     */
    FFA_XEN_STATUS_AGAIN = 1,
    /*
     Xen lacks memory.
     */
    FFA_XEN_STATUS_NO_MEMORY = 2,
    /*
     No mediator, no such VM, or no such id or number.
     */
    FFA_XEN_STATUS_INVALID = 3,
};

/*
 A page of 4 KiB that stays where it is until it is given back.
 */
struct ffa_xen_page {
    /*
     Where Xen reads and writes it.
     */
    void *memory;
    /*
     Its machine address.
     */
    uint64_t address;
    /*
     What gives it back: the shim's own.
     */
    void *handle;
};

/*
 Xen, as the mediator sees it. Each function may be called on any CPU,
 several at once, with no lock of the library's held and interrupts as
 its caller has them, and must not call back into it. The table is there
 as long as Xen is.

 Results are named as in Rust here: `Ok` of a status is
 `FFA_XEN_STATUS_OK`, and so on.
 */
struct ffa_xen_services {
    /*
     Makes an SMC with x0..x17 and stores x0..x17. False, and nothing is
     stored, where the firmware has no such calls: its SMCCC is older than 1.2.
     */
    bool (*smc)(uint64_t (*registers)[FFA_XEN_REGISTERS]);
    /*
     Takes a reference to the page of `vm`'s RAM at guest physical `address`
     and maps it. Fails where the domain is dying.
     */
    enum ffa_xen_page_result (*pin_page)(uint16_t vm,
                                         uint64_t address,
                                         struct ffa_xen_page *page);
    /*
     Undoes `pin_page`.
     */
    void (*unpin_page)(const struct ffa_xen_page *page);
    /*
     A page of Xen's own, zeroed, that firmware may be told of. It is never
     given back.
     */
    enum ffa_xen_page_result (*own_page)(struct ffa_xen_page *page);
    /*
     Prints `length` bytes as a line.
     */
    void (*log)(enum ffa_xen_log_level level, const uint8_t *text, size_t length);
    /*
     The configuration is insecure: marks the system, and prints `length` bytes
     that say why.
     */
    void (*taint)(const uint8_t *text, size_t length);
    /*
     Has `ffa_xen_poll` called soon, on any CPU.
     */
    void (*poll_soon)(void);
    /*
     Whether what runs now should end soon, to be taken up again later.
     */
    bool (*should_yield)(void);
    /*
     Nanoseconds since boot.
     */
    uint64_t (*now)(void);
    /*
     Makes a private or software-generated interrupt of `vm` pending on
     `vcpu`, or, unless `only` there, on another vCPU that is online where
     that one is not. False where none of these is.
     */
    bool (*inject)(uint16_t vm, uint16_t vcpu, bool only, uint32_t interrupt);
};

/*
 Makes the mediator. Once, before everything else. `cpus` is one more than
 the highest CPU number, `policy` "vm-to-sp", "allow-all" or, for the
 default, empty.

 False where there is nothing to mediate (no firmware that speaks FF-A, and
 VMs are kept apart), or no memory, which the log says: then no other
 function has an effect.

 # Safety
 `services` is complete and stays; `policy` ends with a zero.
 */
bool ffa_xen_probe(const struct ffa_xen_services *services,
                   uint32_t cpus,
                   const char *policy);

/*
 CPU `cpu` can make calls from now on. Calling it again has no effect.

 # Safety
 No `ffa_xen_call` runs with this CPU number.
 */
enum ffa_xen_status ffa_xen_cpu_init(uint32_t cpu);

/*
 A domain exists whose FF-A id is `vm`. It need not have vCPUs yet, nor a
 width: `vcpus` is how many it will have.

 `Again` while a domain that had this id is still being taken down.
 */
enum ffa_xen_status ffa_xen_domain_init(uint16_t vm, uint16_t vcpus);

/*
 Takes a domain down, which may never have run. As soon as possible no VM
 sees it, and its calls are refused.

 `Again` until nothing is left of it, its pages are given back, and no call
 of its runs: until then the domain must not be freed, nor its id used for
 another. `Ok` also for a domain that is not known.
 */
enum ffa_xen_status ffa_xen_teardown(uint16_t vm);

/*
 Frees what no CPU can reach any more, a bounded number of objects, and
 tells guests again of notifications that no vCPU could be told of. True
 while more is left: then call again in some milliseconds.

 # Safety
 As `ffa_xen_call`.
 */
bool ffa_xen_poll(uint32_t cpu);

/*
 The firmware's schedule receiver interrupt came. Asks for `ffa_xen_poll`,
 which will see to it: this one may be called by an interrupt handler.
 */
void ffa_xen_schedule_receiver(void);

/*
 Handles a call that vCPU `vcpu` of `vm` has made on CPU `cpu`, from
 AArch64 where `wide`. True: the reply is in `registers`. False: not a call
 of FF-A, and nothing has changed.

 # Safety
 It runs on CPU `cpu` to its end, nothing else there calls it meanwhile,
 and x0..x17 are at `registers`.
 */
bool ffa_xen_call(uint32_t cpu,
                  uint16_t vm,
                  uint16_t vcpu,
                  bool wide,
                  uint64_t (*registers)[FFA_XEN_REGISTERS]);

/*
 `size` bytes at a multiple of `alignment`, a power of two, or null.
 */
extern void *ffa_xen_alloc(size_t size, size_t alignment);

/*
 Frees what `ffa_xen_alloc` gave.
 */
extern void ffa_xen_release(void *memory);

/*
 Ends the system with `length` bytes of text.
 */
extern void ffa_xen_panic(const uint8_t *text,
                          size_t length) __attribute__((__noreturn__));

#endif  /* FFA_XEN_H */
