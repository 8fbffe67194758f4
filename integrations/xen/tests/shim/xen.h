/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * As much of Xen as ffa_rs.c needs, for one CPU and a test that counts: what
 * every <xen/...> and <asm/...> of the shim includes on the host.
 */
#ifndef SHIM_XEN_H
#define SHIM_XEN_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The SMC is AArch64's; the test is not. */
#define asm
#define volatile(...)

#define XEN_VERSION 4
#define __initdata
#define string_param(name, variable) extern const char shim_parameter[]
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)

#define CHECK(condition) \
    do { \
        if ( !(condition) ) \
        { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while ( 0 )

/* ==== Lists, locks, time ================================================== */

struct list_head {
    struct list_head *next, *prev;
};
#define LIST_HEAD(name) struct list_head name = { &name, &name }
#define INIT_LIST_HEAD(head) ((head)->next = (head)->prev = (head))
#define list_empty(head) ((head)->next == (head))
#define list_first_entry_or_null(head, type, member) \
    (list_empty(head) ? NULL \
                      : (type *)((char *)(head)->next - offsetof(type, member)))

typedef int spinlock_t;
#define DEFINE_SPINLOCK(name) spinlock_t name
static unsigned int locks_held;
static void spin_lock(spinlock_t *lock)
{
    CHECK(!*lock);
    *lock = 1;
    locks_held++;
}
static void spin_unlock(spinlock_t *lock)
{
    CHECK(*lock);
    *lock = 0;
    locks_held--;
}

static void list_add_tail(struct list_head *new, struct list_head *head)
{
    CHECK(locks_held);
    CHECK(list_empty(new));
    new->prev = head->prev;
    new->next = head;
    head->prev->next = new;
    head->prev = new;
}
static void list_del_init(struct list_head *entry)
{
    CHECK(locks_held);
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
    INIT_LIST_HEAD(entry);
}

typedef int64_t s_time_t;
#define min(a, b) ((a) < (b) ? (a) : (b))
#define read_atomic(p) (*(p))
#define write_atomic(p, value) (*(p) = (value))
#define MILLISECS(ms) ((s_time_t)(ms) * 1000000)
static s_time_t time_now;
/* Whoever looks at the clock waits. */
static s_time_t NOW(void)
{
    return time_now += MILLISECS(1) / 4;
}

struct timer {
    void (*function)(void *data);
    void *data;
    bool pending;
};
#define init_timer(t, f, d, cpu) (*(t) = (struct timer){ f, d, false })
/* How late the timer was set last. */
static s_time_t timer_delay;
static void set_timer(struct timer *timer, s_time_t expires)
{
    CHECK(timer->function);
    timer->pending = true;
    timer_delay = expires - time_now;
}

struct tasklet {
    void (*function)(void *data);
    void *data;
    bool pending;
};
#define DECLARE_SOFTIRQ_TASKLET(name, f, d) struct tasklet name = { f, d, false }
#define tasklet_schedule(tasklet) ((tasklet)->pending = true)

/* ==== Memory ============================================================== */

#define PAGE_SIZE 4096
static int allocations;
static bool no_memory;
static void *_xmalloc(size_t size, size_t alignment)
{
    if ( no_memory )
        return NULL;
    allocations++;
    return calloc(1, size);
}
static void xfree(void *memory)
{
    allocations -= memory != NULL;
    free(memory);
}
#define xzalloc(type) ((type *)_xmalloc(sizeof(type), sizeof(type)))
#define XFREE(pointer) (xfree(pointer), (pointer) = NULL)

typedef enum { p2m_invalid, p2m_ram_rw, p2m_ram_ro, p2m_grant_map_rw } p2m_type_t;
#define P2M_ALLOC 1
struct page_info {
    p2m_type_t type;
    int references;
    int mappings;
    bool cannot_be_mapped, is_xens;
    char bytes[8];
};
static struct page_info pages[4];
#define is_xen_heap_page(pg) ((pg)->is_xens)
typedef unsigned long gfn_t;
#define gfn_x(gfn) (gfn)
#define gaddr_to_gfn(address) ((address) / PAGE_SIZE)
static unsigned int pages_asked_for;

struct domain;
static struct page_info *get_page_from_gfn(struct domain *d, gfn_t gfn,
                                           p2m_type_t *t, int query)
{
    pages_asked_for++;
    *t = p2m_invalid;
    if ( gfn >= 4 )
        return NULL;
    *t = pages[gfn].type;
    pages[gfn].references++;
    return &pages[gfn];
}
static void put_page(struct page_info *pg)
{
    /* Nobody may reach a page that is given back. */
    CHECK(pg->references-- > pg->mappings);
}
static void *__map_domain_page_global(struct page_info *pg)
{
    if ( pg->cannot_be_mapped )
        return NULL;
    pg->mappings++;
    return pg->bytes;
}
static void unmap_domain_page_global(const void *memory)
{
    ((struct page_info *)((char *)memory -
                          offsetof(struct page_info, bytes)))->mappings--;
}
#define page_to_maddr(pg) ((uint64_t)((pg) - pages) * PAGE_SIZE + 0x80000000)
static void *alloc_xenheap_page(void)
{
    void *page = _xmalloc(PAGE_SIZE, PAGE_SIZE);

    return page ? memset(page, 0xa5, PAGE_SIZE) : NULL;
}
#define clear_page(page) memset(page, 0, PAGE_SIZE)
#define virt_to_maddr(memory) ((uintptr_t)(memory))

/* ==== Domains ============================================================= */

#define DOMID_FIRST_RESERVED 0x7ff0
struct vcpu {
    struct domain *domain;
    unsigned int vcpu_id;
    bool online, idle;
    uint32_t injected;
};
struct domain {
    uint16_t domain_id;
    bool is_dying, narrow;
    unsigned int max_vcpus;
    struct {
        void *tee;
    } arch;
    struct vcpu vcpus[2];
    int references;
};
static struct domain domains[20];
static struct vcpu *current;
static int rcu_locks;
static struct domain *rcu_lock_domain_by_id(uint16_t id)
{
    if ( id >= 20 || !domains[id].references )
        return NULL;
    rcu_locks++;
    return &domains[id];
}
static void rcu_unlock_domain(struct domain *d)
{
    rcu_locks--;
}
static void get_knownalive_domain(struct domain *d)
{
    CHECK(d->references++ > 0);
}
static void domain_is_freed(struct domain *d);
static void put_domain(struct domain *d)
{
    CHECK(!locks_held);
    CHECK(d->references > 0);
    if ( --d->references == 0 )
        domain_is_freed(d);
}
#define for_each_vcpu(d, v) for ( v = (d)->vcpus; v < (d)->vcpus + 2; v++ )
#define is_vcpu_online(v) ((v)->online)
#define is_idle_vcpu(v) ((v)->idle)
#define is_64bit_domain(d) (!(d)->narrow)
#define NR_LOCAL_IRQS 32
static bool goes_down;
static void vgic_inject_irq(struct domain *d, struct vcpu *v,
                            unsigned int irq, bool level)
{
    v->injected = irq;
    v->online = !goes_down;
}
static bool preempted;
#define hypercall_preempt_check() preempted

/* ==== The machine ========================================================= */

static unsigned int nr_cpu_ids = 3;
#define for_each_possible_cpu(cpu) for ( cpu = 0; cpu < nr_cpu_ids; cpu++ )
#define smp_processor_id() 2u
#define cpu_relax() ((void)0)
#define SMCCC_VERSION(major, minor) ((major) << 16 | (minor))
#define SMCCC_VERSION_MAJOR(version) ((version) >> 16)
#define SMCCC_VERSION_MINOR(version) ((version) & 0xffff)
static uint32_t smccc_ver;
struct arm_smccc_1_2_regs {
    uint64_t a[18];
};
static unsigned int smcs;
static void arm_smccc_1_2_smc(const struct arm_smccc_1_2_regs *args,
                              struct arm_smccc_1_2_regs *res)
{
    smcs++;
}
struct cpu_user_regs {
    uint64_t x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14,
        x15, x16, x17;
};
#define XENLOG_G_WARNING "guest "
#define XENLOG_WARNING "warning "
#define XENLOG_INFO "info "
#define XENLOG_ERR "error "
static char printed[256];
static void printk(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(printed, sizeof(printed), format, list);
    va_end(list);
}
static _Noreturn void panic(const char *format, ...)
{
    CHECK(!"panic");
    abort();
}
#define TAINT_MACHINE_INSECURE 8
static unsigned int taints;
#define add_taint(taint) (taints |= (taint))

struct tee_mediator_ops {
    bool (*probe)(void);
    int (*domain_init)(struct domain *d);
    int (*domain_teardown)(struct domain *d);
    void (*free_domain_ctx)(struct domain *d);
    int (*relinquish_resources)(struct domain *d);
    bool (*handle_call)(struct cpu_user_regs *regs);
};
#define XEN_DOMCTL_CONFIG_TEE_FFA 2
#define REGISTER_TEE_MEDIATOR(name, text, type, pointer) \
    static const struct tee_mediator_ops *const ops = pointer

#endif
