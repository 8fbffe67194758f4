/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * xen/arch/arm/tee/ffa_rs.c
 *
 * FF-A mediator: registers ffa_xen.o, a library written in Rust, as a TEE
 * mediator, and gives it what it needs of Xen. What FF-A is, is all in there.
 *
 * Who calls what, where:
 *  - probe: at boot, once;
 *  - domain_init, teardown, free_domain_ctx: hypercalls, and boot;
 *  - handle_call: a guest's trap, on the CPU of current;
 *  - ffa_rs_poll: softirq context, from a tasklet or a timer.
 * None of them is an interrupt handler, and none runs on top of another one
 * on the same CPU: the library's spin locks and its per-CPU state rely on it.
 * Softirqs run on the way out to a guest, when idle, and where somebody calls
 * process_pending_softirqs(), which nothing does that is called here.
 */

#include <xen/compile.h>
#include <xen/domain_page.h>
#include <xen/errno.h>
#include <xen/event.h>
#include <xen/init.h>
#include <xen/lib.h>
#include <xen/list.h>
#include <xen/mm.h>
#include <xen/param.h>
#include <xen/sched.h>
#include <xen/softirq.h>
#include <xen/spinlock.h>
#include <xen/tasklet.h>
#include <xen/timer.h>
#include <xen/xmalloc.h>

#include <asm/atomic.h>
#include <asm/event.h>
#include <asm/p2m.h>
#include <asm/regs.h>
#include <asm/smccc.h>
#include <asm/tee/tee.h>
#include <asm/vgic.h>

#include "ffa_xen.h"

/*
 * Before 4.18 there is no domain_teardown, and no FF-A call comes here without
 * our patch. From there to 4.21 calls of FF-A 1.2 do not come here either.
 */
#define FFA_RS_OLD_TEE (XEN_VERSION == 4 && XEN_SUBVERSION < 18)
#if XEN_VERSION == 4 && XEN_SUBVERSION >= 18 && XEN_SUBVERSION < 22
#error "ffa_rs needs Xen 4.17 with xen-4.17.patch, or 4.22 and later"
#endif

/* Older and newer name of the same mark. */
#ifndef TAINT_MACHINE_INSECURE
#define TAINT_MACHINE_INSECURE TAINT_MACHINE_UNSECURE
#endif

/*
 * How soon to look again at what could not be done at once; twice as late
 * each time, up to a limit: a guest may keep its vCPUs off for ever.
 */
#define FFA_RS_RETRY MILLISECS(1)
#define FFA_RS_LATEST MILLISECS(128)
/* How long domain_init waits for a domain that had the same id. */
#define FFA_RS_PATIENCE MILLISECS(100)
/* How many dying domains one poll looks at. */
#define FFA_RS_SETTLE 8

/* Who may reach whom: "vm-to-sp", the default, or "allow-all" (insecure). */
static char __initdata opt_ffa_policy[16] = "";
string_param("ffa-policy", opt_ffa_policy);

/* What d->arch.tee points to. */
struct ffa_rs_domain {
    struct domain *d;
    /* In ffa_rs_owed, with a reference to d, while its teardown goes on. */
    struct list_head owed;
    /* Its teardown has begun. */
    bool down;
};

static LIST_HEAD(ffa_rs_owed);
static DEFINE_SPINLOCK(ffa_rs_owed_lock);

static void ffa_rs_poll(void *data);
static DECLARE_SOFTIRQ_TASKLET(ffa_rs_tasklet, ffa_rs_poll, NULL);
static struct timer ffa_rs_timer;
static s_time_t ffa_rs_delay = FFA_RS_RETRY;

/* Id 0 is the hypervisor's own, those with bit 15 are the secure world's. */
static uint16_t ffa_rs_vm(const struct domain *d)
{
    BUILD_BUG_ON(DOMID_FIRST_RESERVED > 0x7fff);

    return d->domain_id + 1;
}

/* ==== What the library asks of Xen ======================================== */

/*
 * The domain of an FF-A id, which must be unlocked, or NULL. Nothing new may
 * be done to one that is dying: that is NULL, too.
 */
static struct domain *ffa_rs_lock_domain(uint16_t vm)
{
    struct domain *d = rcu_lock_domain_by_id(vm - 1);

    if ( d && d->is_dying )
    {
        rcu_unlock_domain(d);
        d = NULL;
    }

    return d;
}

static bool ffa_rs_smc(uint64_t (*registers)[FFA_XEN_REGISTERS])
{
    if ( smccc_ver < SMCCC_VERSION(1, 2) )
        return false;

#if FFA_RS_OLD_TEE
    asm volatile ( "ldp x0, x1, [%0]\n\t"
                   "ldp x2, x3, [%0, #16]\n\t"
                   "ldp x4, x5, [%0, #32]\n\t"
                   "ldp x6, x7, [%0, #48]\n\t"
                   "ldp x8, x9, [%0, #64]\n\t"
                   "ldp x10, x11, [%0, #80]\n\t"
                   "ldp x12, x13, [%0, #96]\n\t"
                   "ldp x14, x15, [%0, #112]\n\t"
                   "ldp x16, x17, [%0, #128]\n\t"
                   "smc #0\n\t"
                   "stp x0, x1, [%0]\n\t"
                   "stp x2, x3, [%0, #16]\n\t"
                   "stp x4, x5, [%0, #32]\n\t"
                   "stp x6, x7, [%0, #48]\n\t"
                   "stp x8, x9, [%0, #64]\n\t"
                   "stp x10, x11, [%0, #80]\n\t"
                   "stp x12, x13, [%0, #96]\n\t"
                   "stp x14, x15, [%0, #112]\n\t"
                   "stp x16, x17, [%0, #128]"
                   :: "r" (registers)
                   : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8",
                     "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
                     "x17", "cc", "memory" );
#else
    BUILD_BUG_ON(sizeof(struct arm_smccc_1_2_regs) != sizeof(*registers));
    arm_smccc_1_2_smc((const struct arm_smccc_1_2_regs *)registers,
                      (struct arm_smccc_1_2_regs *)registers);
#endif

    return true;
}

static enum ffa_xen_page_result ffa_rs_pin_page(uint16_t vm, uint64_t address,
                                                struct ffa_xen_page *page)
{
    enum ffa_xen_page_result result = FFA_XEN_PAGE_RESULT_NOT_MEMORY;
    struct domain *d = ffa_rs_lock_domain(vm);
    struct page_info *pg;
    p2m_type_t t;

    if ( !d )
        return result;

    /* The reference to the page outlives the domain's own to it. */
    pg = get_page_from_gfn(d, gfn_x(gaddr_to_gfn(address)), &t, P2M_ALLOC);
    rcu_unlock_domain(d);
    if ( !pg )
        return result;

    /* Pages of Xen's that the guest has mapped, its grant table, are no RAM. */
    if ( t == p2m_ram_rw && !is_xen_heap_page(pg) )
    {
        page->memory = __map_domain_page_global(pg);
        page->address = page_to_maddr(pg);
        page->handle = pg;
        if ( page->memory )
            return FFA_XEN_PAGE_RESULT_OK;
        result = FFA_XEN_PAGE_RESULT_NO_MEMORY;
    }
    put_page(pg);

    return result;
}

static void ffa_rs_unpin_page(const struct ffa_xen_page *page)
{
    unmap_domain_page_global(page->memory);
    put_page(page->handle);
}

static enum ffa_xen_page_result ffa_rs_own_page(struct ffa_xen_page *page)
{
    page->memory = alloc_xenheap_page();
    if ( !page->memory )
        return FFA_XEN_PAGE_RESULT_NO_MEMORY;

    clear_page(page->memory);
    page->address = virt_to_maddr(page->memory);
    page->handle = NULL;

    return FFA_XEN_PAGE_RESULT_OK;
}

static void ffa_rs_log(enum ffa_xen_log_level level, const uint8_t *text,
                       size_t length)
{
    const char *line = (const char *)text;

    switch ( level )
    {
    case FFA_XEN_LOG_LEVEL_GUEST:
        printk(XENLOG_G_WARNING "%.*s\n", (int)length, line);
        break;

    case FFA_XEN_LOG_LEVEL_WARNING:
        printk(XENLOG_WARNING "%.*s\n", (int)length, line);
        break;

    default:
        printk(XENLOG_INFO "%.*s\n", (int)length, line);
        break;
    }
}

static void ffa_rs_taint(const uint8_t *text, size_t length)
{
    printk(XENLOG_ERR "%.*s\n", (int)length, (const char *)text);
    add_taint(TAINT_MACHINE_INSECURE);
}

static void ffa_rs_poll_soon(void)
{
    write_atomic(&ffa_rs_delay, FFA_RS_RETRY);
    tasklet_schedule(&ffa_rs_tasklet);
}

static bool ffa_rs_should_yield(void)
{
    return !is_idle_vcpu(current) && hypercall_preempt_check();
}

static uint64_t ffa_rs_now(void)
{
    return NOW();
}

static bool ffa_rs_inject(uint16_t vm, uint16_t vcpu, bool only,
                          uint32_t interrupt)
{
    struct domain *d;
    struct vcpu *v, *target = NULL;
    bool delivered;

    /* Those of a vCPU only: there is no SPI of FF-A's. */
    if ( interrupt >= NR_LOCAL_IRQS )
        return false;

    d = ffa_rs_lock_domain(vm);
    if ( !d )
        return false;

    for_each_vcpu ( d, v )
        if ( is_vcpu_online(v) &&
             (v->vcpu_id == vcpu || (!only && !target)) )
            target = v;

    if ( target )
        vgic_inject_irq(d, target, interrupt, true);
    /* One that went down meanwhile may have lost it: it is owed then. */
    delivered = target && is_vcpu_online(target);
    rcu_unlock_domain(d);

    return delivered;
}

static const struct ffa_xen_services ffa_rs_services = {
    .smc = ffa_rs_smc,
    .pin_page = ffa_rs_pin_page,
    .unpin_page = ffa_rs_unpin_page,
    .own_page = ffa_rs_own_page,
    .log = ffa_rs_log,
    .taint = ffa_rs_taint,
    .poll_soon = ffa_rs_poll_soon,
    .should_yield = ffa_rs_should_yield,
    .now = ffa_rs_now,
    .inject = ffa_rs_inject,
};

void *ffa_xen_alloc(size_t size, size_t alignment)
{
    return _xmalloc(size, alignment);
}

void ffa_xen_release(void *memory)
{
    xfree(memory);
}

void ffa_xen_panic(const uint8_t *text, size_t length)
{
    panic("%.*s\n", (int)length, (const char *)text);
}

/* ==== What Xen asks of the mediator ======================================= */

static bool ffa_rs_probe(void)
{
    unsigned int cpu;

    BUILD_BUG_ON(PAGE_SIZE != 4096);

    if ( smccc_ver < SMCCC_VERSION(1, 2) )
        printk(XENLOG_INFO "FF-A: firmware has SMCCC %u.%u, not 1.2: no SPMC\n",
               SMCCC_VERSION_MAJOR(smccc_ver), SMCCC_VERSION_MINOR(smccc_ver));

    /* The library may ask for a poll, which may want the timer. */
    init_timer(&ffa_rs_timer, ffa_rs_poll, NULL, 0);
    if ( !ffa_xen_probe(&ffa_rs_services, nr_cpu_ids, opt_ffa_policy) )
        return false;

    for_each_possible_cpu ( cpu )
        if ( ffa_xen_cpu_init(cpu) != FFA_XEN_STATUS_OK )
            panic("FF-A: no place for CPU %u\n", cpu);

    return true;
}

static int ffa_rs_domain_init(struct domain *d)
{
    s_time_t end = NOW() + FFA_RS_PATIENCE;
    struct ffa_rs_domain *ctx = xzalloc(struct ffa_rs_domain);
    enum ffa_xen_status status;

    if ( !ctx )
        return -ENOMEM;

    /* The id may have been one of a domain whose creation has just failed. */
    do {
        cpu_relax();
        status = ffa_xen_domain_init(ffa_rs_vm(d), d->max_vcpus);
    } while ( status == FFA_XEN_STATUS_AGAIN && NOW() < end );

    switch ( status )
    {
    case FFA_XEN_STATUS_OK:
        ctx->d = d;
        INIT_LIST_HEAD(&ctx->owed);
        d->arch.tee = ctx;
        return 0;

    case FFA_XEN_STATUS_AGAIN:
        xfree(ctx);
        return -EBUSY;

    case FFA_XEN_STATUS_NO_MEMORY:
        xfree(ctx);
        return -ENOMEM;

    default:
        xfree(ctx);
        return -EINVAL;
    }
}

/*
 * The domain is hidden and refused from now on. What of it another CPU still
 * uses is freed later: until then a reference keeps the domain, and its id,
 * from being used again.
 */
static int ffa_rs_domain_teardown(struct domain *d)
{
    struct ffa_rs_domain *ctx = d->arch.tee;

    if ( !ctx || ctx->down )
        return 0;

    ctx->down = true;
    if ( ffa_xen_teardown(ffa_rs_vm(d)) == FFA_XEN_STATUS_OK )
        return 0;

    get_knownalive_domain(d);
    spin_lock(&ffa_rs_owed_lock);
    list_add_tail(&ctx->owed, &ffa_rs_owed);
    spin_unlock(&ffa_rs_owed_lock);
    set_timer(&ffa_rs_timer, NOW() + FFA_RS_RETRY);

    return 0;
}

/* Goes on with a few teardowns. Whether there are more. */
static bool ffa_rs_settle(void)
{
    struct ffa_rs_domain *ctx;
    unsigned int left = FFA_RS_SETTLE;
    bool more;

    do {
        spin_lock(&ffa_rs_owed_lock);
        ctx = list_first_entry_or_null(&ffa_rs_owed, struct ffa_rs_domain,
                                       owed);
        if ( ctx )
            list_del_init(&ctx->owed);
        spin_unlock(&ffa_rs_owed_lock);

        if ( !ctx )
            return false;

        if ( ffa_xen_teardown(ffa_rs_vm(ctx->d)) == FFA_XEN_STATUS_OK )
        {
            /* May free the domain, and ctx with it. */
            put_domain(ctx->d);
            continue;
        }

        spin_lock(&ffa_rs_owed_lock);
        list_add_tail(&ctx->owed, &ffa_rs_owed);
        spin_unlock(&ffa_rs_owed_lock);
    } while ( --left );

    spin_lock(&ffa_rs_owed_lock);
    more = !list_empty(&ffa_rs_owed);
    spin_unlock(&ffa_rs_owed_lock);

    return more;
}

static void ffa_rs_poll(void *data)
{
    bool more = ffa_xen_poll(smp_processor_id());

    if ( ffa_rs_settle() || more )
    {
        s_time_t delay = read_atomic(&ffa_rs_delay);

        set_timer(&ffa_rs_timer, NOW() + delay);
        /* Two polls at once, or new work meanwhile: one of the delays stays. */
        write_atomic(&ffa_rs_delay, min(2 * delay, FFA_RS_LATEST));
    }
}

/*
 * The last moment of a domain. Its id may be another's by now, unless its
 * creation failed: then it was never taken down, has never run, and keeps
 * nothing.
 */
static void ffa_rs_free_domain_ctx(struct domain *d)
{
    struct ffa_rs_domain *ctx = d->arch.tee;

    /* Nothing of it can be in use: this does not have to be done again. */
    if ( ctx && !ctx->down )
        ffa_xen_teardown(ffa_rs_vm(d));
    XFREE(d->arch.tee);
}

static int ffa_rs_relinquish_resources(struct domain *d)
{
#if FFA_RS_OLD_TEE
    return ffa_rs_domain_teardown(d);
#else
    return 0;
#endif
}

static bool ffa_rs_handle_call(struct cpu_user_regs *regs)
{
    const struct vcpu *v = current;

    BUILD_BUG_ON(offsetof(struct cpu_user_regs, x17) -
                 offsetof(struct cpu_user_regs, x0) !=
                 (FFA_XEN_REGISTERS - 1) * sizeof(uint64_t));

    if ( !v->domain->arch.tee )
        return false;

    return ffa_xen_call(smp_processor_id(), ffa_rs_vm(v->domain), v->vcpu_id,
                        is_64bit_domain(v->domain),
                        (uint64_t (*)[FFA_XEN_REGISTERS])&regs->x0);
}

static const struct tee_mediator_ops ffa_rs_ops = {
    .probe = ffa_rs_probe,
    .domain_init = ffa_rs_domain_init,
#if !FFA_RS_OLD_TEE
    .domain_teardown = ffa_rs_domain_teardown,
#endif
    .free_domain_ctx = ffa_rs_free_domain_ctx,
    .relinquish_resources = ffa_rs_relinquish_resources,
    .handle_call = ffa_rs_handle_call,
};

REGISTER_TEE_MEDIATOR(ffa_rs, "FF-A", XEN_DOMCTL_CONFIG_TEE_FFA, &ffa_rs_ops);

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
