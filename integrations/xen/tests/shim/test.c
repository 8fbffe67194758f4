/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* ffa_rs.c over a model of Xen and a library that does as it is told. */

#include "xen.h"

#include "../../xen/ffa_rs.c"

/* ==== The library ========================================================= */

static bool has_mediator = true;
static unsigned int cpus_ready;
static enum ffa_xen_status init_status, teardown_status;
static unsigned int inits, teardowns, polls, calls;
static uint16_t vm_seen;
static bool more_waits;

bool ffa_xen_probe(const struct ffa_xen_services *services, uint32_t cpus,
                   const char *policy)
{
    CHECK(cpus == nr_cpu_ids && *policy == 0);
    services->poll_soon();
    return has_mediator;
}

enum ffa_xen_status ffa_xen_cpu_init(uint32_t cpu)
{
    cpus_ready |= 1u << cpu;
    return FFA_XEN_STATUS_OK;
}

enum ffa_xen_status ffa_xen_domain_init(uint16_t vm, uint16_t vcpus)
{
    CHECK(vcpus == 2);
    vm_seen = vm;
    /* The fourth time it is there. */
    if ( init_status == FFA_XEN_STATUS_AGAIN && ++inits == 4 )
        return FFA_XEN_STATUS_OK;
    return init_status;
}

enum ffa_xen_status ffa_xen_teardown(uint16_t vm)
{
    CHECK(!locks_held);
    vm_seen = vm;
    teardowns++;
    return teardown_status;
}

bool ffa_xen_poll(uint32_t cpu)
{
    CHECK(cpu == 2);
    CHECK(!locks_held);
    polls++;
    return more_waits;
}

bool ffa_xen_call(uint32_t cpu, uint16_t vm, uint16_t vcpu, bool wide,
                  uint64_t (*registers)[FFA_XEN_REGISTERS])
{
    calls++;
    CHECK(cpu == 2 && vm == 8 && vcpu == 1 && !wide);
    CHECK((*registers)[0] == 100 && (*registers)[17] == 117);
    return true;
}

void ffa_xen_schedule_receiver(void)
{
}

/* ==== Xen ================================================================= */

static unsigned int freed;

/* Its id may be another's from here on. */
static void domain_is_freed(struct domain *d)
{
    unsigned int before = teardowns;

    ops->free_domain_ctx(d);
    CHECK(teardowns == before && !d->arch.tee);
    freed++;
}

static struct domain *create(uint16_t id)
{
    struct domain *d = &domains[id];

    *d = (struct domain){ .domain_id = id, .max_vcpus = 2, .references = 1 };
    d->vcpus[0] = (struct vcpu){ .domain = d, .vcpu_id = 0 };
    d->vcpus[1] = (struct vcpu){ .domain = d, .vcpu_id = 1 };
    CHECK(ops->domain_init(d) == 0 && d->arch.tee && vm_seen == id + 1);
    return d;
}

/* What domain_kill does. */
static void destroy(struct domain *d)
{
    d->is_dying = true;
    if ( ops->domain_teardown )
        CHECK(ops->domain_teardown(d) == 0);
    CHECK(ops->relinquish_resources(d) == 0);
    put_domain(d);
}

static bool run_timer(void)
{
    if ( !ffa_rs_timer.pending )
        return false;
    ffa_rs_timer.pending = false;
    ffa_rs_timer.function(ffa_rs_timer.data);
    return true;
}

/* ==== What must hold ====================================================== */

static void every_cpu_is_made_ready(void)
{
    has_mediator = false;
    CHECK(!ops->probe() && !cpus_ready);
    has_mediator = true;
    CHECK(ops->probe() && cpus_ready == 7);
    CHECK(ffa_rs_tasklet.pending);
}

static void pages_are_given_back(void)
{
    struct domain *d = create(3);
    struct ffa_xen_page page;

    pages[1].type = p2m_ram_rw;
    CHECK(ffa_rs_pin_page(4, 0x1000, &page) == FFA_XEN_PAGE_RESULT_OK);
    CHECK(page.memory == pages[1].bytes && page.address == 0x80001000);
    CHECK(pages[1].references == 1 && pages[1].mappings == 1);
    ffa_rs_unpin_page(&page);
    CHECK(pages[1].references == 0 && pages[1].mappings == 0);

    pages[1].cannot_be_mapped = true;
    CHECK(ffa_rs_pin_page(4, 0x1000, &page) == FFA_XEN_PAGE_RESULT_NO_MEMORY);
    pages[2].type = p2m_ram_ro;
    CHECK(ffa_rs_pin_page(4, 0x2000, &page) == FFA_XEN_PAGE_RESULT_NOT_MEMORY);
    pages[2].type = p2m_ram_rw;
    pages[2].is_xens = true;
    CHECK(ffa_rs_pin_page(4, 0x2000, &page) == FFA_XEN_PAGE_RESULT_NOT_MEMORY);
    pages[2].is_xens = false;
    pages[2].type = p2m_grant_map_rw;
    CHECK(ffa_rs_pin_page(4, 0x2000, &page) == FFA_XEN_PAGE_RESULT_NOT_MEMORY);
    CHECK(ffa_rs_pin_page(4, 0x4000, &page) == FFA_XEN_PAGE_RESULT_NOT_MEMORY);
    CHECK(pages[1].references == 0 && pages[2].references == 0);

    pages_asked_for = 0;
    pages[1].cannot_be_mapped = false;
    CHECK(ffa_rs_pin_page(6, 0x1000, &page) == FFA_XEN_PAGE_RESULT_NOT_MEMORY);
    d->is_dying = true;
    CHECK(ffa_rs_pin_page(4, 0x1000, &page) == FFA_XEN_PAGE_RESULT_NOT_MEMORY);
    CHECK(pages_asked_for == 0 && rcu_locks == 0);
    destroy(d);
}

static void a_page_of_xens_own_is_clear(void)
{
    struct ffa_xen_page page;
    unsigned int i;

    no_memory = true;
    CHECK(ffa_rs_own_page(&page) == FFA_XEN_PAGE_RESULT_NO_MEMORY);
    no_memory = false;
    CHECK(ffa_rs_own_page(&page) == FFA_XEN_PAGE_RESULT_OK && !page.handle);
    CHECK(page.address == virt_to_maddr(page.memory));
    for ( i = 0; i < PAGE_SIZE; i++ )
        CHECK(((const char *)page.memory)[i] == 0);
    xfree(page.memory);
}

static void a_creation_waits_for_the_id_or_fails(void)
{
    static const struct {
        enum ffa_xen_status status;
        unsigned int inits;
        int result;
    } cases[] = {
        { FFA_XEN_STATUS_AGAIN, 0, 0 },
        { FFA_XEN_STATUS_AGAIN, 5, -EBUSY },
        { FFA_XEN_STATUS_NO_MEMORY, 0, -ENOMEM },
        { FFA_XEN_STATUS_INVALID, 0, -EINVAL },
    };
    struct domain d = { .domain_id = 5, .max_vcpus = 2, .references = 1 };

    for ( unsigned int i = 0; i < 4; i++ )
    {
        init_status = cases[i].status;
        inits = cases[i].inits;
        CHECK(ops->domain_init(&d) == cases[i].result);
        CHECK(!d.arch.tee == (cases[i].result != 0));
        XFREE(d.arch.tee);
    }
    init_status = FFA_XEN_STATUS_OK;
    no_memory = true;
    CHECK(ops->domain_init(&d) == -ENOMEM);
    no_memory = false;
}

static void what_is_done_at_once_leaves_nothing(void)
{
    struct domain *d = create(7);

    teardowns = freed = 0;
    destroy(d);
    CHECK(teardowns == 1 && vm_seen == 8 && freed == 1);
    CHECK(!ffa_rs_timer.pending);
}

static void a_failed_creation_is_undone_once(void)
{
    struct domain *d = create(7);

    teardowns = 0;
    ops->free_domain_ctx(d);
    CHECK(teardowns == 1 && vm_seen == 8 && !d->arch.tee);
    ops->free_domain_ctx(d);
    if ( ops->domain_teardown )
        CHECK(ops->domain_teardown(d) == 0);
    CHECK(teardowns == 1);
}

/* A reference holds each, and polls go on until all are done. */
static void what_takes_longer_is_held_and_settled(void)
{
    unsigned int id, rounds;

    teardowns = freed = 0;
    teardown_status = FFA_XEN_STATUS_AGAIN;
    for ( id = 0; id < 20; id++ )
        destroy(create(id));
    CHECK(freed == 0 && teardowns == 20);
    /* domain_kill may come here again. */
    CHECK(ffa_rs_domain_teardown(&domains[3]) == 0 && teardowns == 20);
    for ( id = 0; id < 20; id++ )
        CHECK(domains[id].references == 1);
    for ( rounds = 0; rounds < 10; rounds++ )
    {
        teardowns = 0;
        CHECK(run_timer());
        CHECK(freed == 0 && teardowns == FFA_RS_SETTLE);
    }
    teardown_status = FFA_XEN_STATUS_OK;
    for ( rounds = 0; run_timer(); rounds++ )
        CHECK(rounds < 20);
    CHECK(freed == 20);
}

static void polls_go_on_while_something_waits(void)
{
    polls = 0;
    ffa_rs_services.poll_soon();
    CHECK(ffa_rs_tasklet.pending);
    more_waits = true;
    ffa_rs_tasklet.function(ffa_rs_tasklet.data);
    CHECK(run_timer() && run_timer());
    more_waits = false;
    CHECK(run_timer() && !run_timer());
    CHECK(polls == 4);
}

/* A guest may keep all its vCPUs off while it is owed an interrupt. */
static void polls_become_rare_where_they_do_not_help(void)
{
    unsigned int rounds;

    ffa_rs_services.poll_soon();
    more_waits = true;
    ffa_rs_tasklet.function(ffa_rs_tasklet.data);
    CHECK(timer_delay == FFA_RS_RETRY);
    for ( rounds = 0; rounds < 20; rounds++ )
        CHECK(run_timer());
    CHECK(timer_delay == FFA_RS_LATEST);
    ffa_rs_services.poll_soon();
    CHECK(run_timer() && timer_delay == FFA_RS_RETRY);
    more_waits = false;
    CHECK(run_timer() && !run_timer());
}

static void calls_are_the_current_vcpus(void)
{
    struct domain *d = create(7);
    struct cpu_user_regs regs = { .x0 = 100, .x17 = 117 };
    void *tee = d->arch.tee;

    d->narrow = true;
    current = &d->vcpus[1];
    CHECK(ops->handle_call(&regs) && calls == 1);
    d->arch.tee = NULL;
    CHECK(!ops->handle_call(&regs) && calls == 1);
    d->arch.tee = tee;
    destroy(d);
}

static void interrupts_go_to_who_is_online(void)
{
    struct domain *d = create(7);

    CHECK(!ffa_rs_inject(8, 1, false, 5));
    d->vcpus[0].online = true;
    CHECK(!ffa_rs_inject(8, 1, true, 5) && !d->vcpus[0].injected);
    CHECK(!ffa_rs_inject(8, 0, false, NR_LOCAL_IRQS));
    CHECK(ffa_rs_inject(8, 1, false, 5) && d->vcpus[0].injected == 5);
    d->vcpus[1].online = true;
    CHECK(ffa_rs_inject(8, 1, false, 6) && d->vcpus[1].injected == 6);
    CHECK(ffa_rs_inject(8, 0, true, 7) && d->vcpus[0].injected == 7);
    CHECK(d->vcpus[1].injected == 6);
    goes_down = true;
    CHECK(!ffa_rs_inject(8, 0, false, 8) && rcu_locks == 0);
    goes_down = false;
    d->vcpus[0].online = true;
    d->is_dying = true;
    CHECK(!ffa_rs_inject(8, 0, false, 8) && rcu_locks == 0);
    destroy(d);
}

static void insecurity_is_marked_and_guests_lines_are_limited(void)
{
    uint64_t registers[FFA_XEN_REGISTERS] = { 0 };
    struct vcpu idle = { .idle = true };

    ffa_rs_services.taint((const uint8_t *)"all", 2);
    CHECK(taints && !strcmp(printed, "error al\n"));
    ffa_rs_services.log(FFA_XEN_LOG_LEVEL_GUEST, (const uint8_t *)"g", 1);
    CHECK(!strcmp(printed, "guest g\n"));
    ffa_rs_services.log(FFA_XEN_LOG_LEVEL_WARNING, (const uint8_t *)"w", 1);
    CHECK(!strcmp(printed, "warning w\n"));
    ffa_rs_services.log(FFA_XEN_LOG_LEVEL_INFO, (const uint8_t *)"i", 1);
    CHECK(!strcmp(printed, "info i\n"));
    smccc_ver = SMCCC_VERSION(1, 1);
    CHECK(!ffa_rs_services.smc(&registers) && !smcs);
    smccc_ver = SMCCC_VERSION(1, 2);
    CHECK(ffa_rs_services.smc(&registers) && smcs == !FFA_RS_OLD_TEE);
    preempted = true;
    CHECK(ffa_rs_services.should_yield());
    current = &idle;
    CHECK(!ffa_rs_services.should_yield());
}

int main(void)
{
    CHECK((ops->domain_teardown == NULL) == FFA_RS_OLD_TEE);
    every_cpu_is_made_ready();
    pages_are_given_back();
    a_page_of_xens_own_is_clear();
    a_creation_waits_for_the_id_or_fails();
    what_is_done_at_once_leaves_nothing();
    a_failed_creation_is_undone_once();
    what_takes_longer_is_held_and_settled();
    polls_go_on_while_something_waits();
    polls_become_rare_where_they_do_not_help();
    calls_are_the_current_vcpus();
    interrupts_go_to_who_is_online();
    insecurity_is_marked_and_guests_lines_are_limited();
    CHECK(allocations == 0 && locks_held == 0);
    return 0;
}
