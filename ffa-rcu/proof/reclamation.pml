/*
 * When is memory freed? The protocol of the backend `Slots` and of the limbo, searched exhaustively.
 *
 *     reader                 writer, under the lock         reclaimer
 *     e    := epoch          root or entry := another       horizon := epoch
 *     slot := e              epoch += step: the ticket      horizon := earliest of it and the slots,
 *     read root or entry     push (object, ticket)                     read one by one
 *     read the object                                       lock; pop what has passed; unlock
 *     slot := idle                                          free it
 *
 * Each line is one step or more, and any other process may run before each step. What only a holder of
 * the lock sees is no step of its own: it is done with the step before or after it. Readers enter as
 * often as they like and stay as long as they like. Epochs are odd, so that none is idle (0), and
 * begin just below the end of their range, which has 16 of them here: the search goes through the
 * wrap-around.
 *
 * What it shows, for every schedule:
 *   - no object is read after it was freed, and none is freed twice;
 *   - a writer that would let more than LIMIT objects wait gets an error, and what waits never
 *     exceeds that and the contexts that were in the table, also beside a reader that stalls;
 *   - when all have ended and one more reclaim ran, all that was retired is freed;
 *   - nobody waits for ever (spin reports an end in which a process stands still).
 *
 * What it does not show: memory orderings. Here every step is seen by all at once, as if each access
 * were SeqCst and nothing else existed; ORDERING.md and loom's tests are for the rest. So the second
 * load of an entry, which does nothing but order, is left out. Nor does it show that the Rust code
 * does these steps.
 *
 * Scenarios, chosen by -D:
 *   READING   three readers; two writers that change and reclaim once each
 *   STALLING  two readers, which may stay for ever; two writers that change and reclaim twice each, and
 *             reach the limit
 *   LEAVING   a reader that stays, one that goes offline between sections, one that may die inside a
 *             section and is evicted by the host, one that comes online on either's place; two
 *             writers that change and reclaim once each
 *
 * Mutants, by another -D: each NO_... takes one guard out, and spin must find an error.
 */

#define IDLE 0
#define STEP 2
#define RANGE 32
#define FIRST 29
/* Later than all epochs of a run. */
#define LATEST ((FIRST + RANGE / 2 - STEP) % RANGE)
#define NOTHING 255

#define PLACES 3
#define WRITERS 2
/* A snapshot is admitted while fewer wait. */
#define LIMIT 2
#define CONTEXTS 1

#ifdef READING
#define CPUS 3
#define CHANGES 1
#endif
#ifdef STALLING
#define CPUS 2
#define CHANGES 2
#endif
#ifdef LEAVING
#define CPUS 5 /* with the host */
#define CHANGES 1
#endif

#ifdef NO_SIGN
#define EARLIER(a, b) ((a) < (b))
#define PASSED(ticket, horizon) ((ticket) <= (horizon))
#else
#define DISTANCE(from, to) (((to) - (from)) & (RANGE - 1))
#define EARLIER(a, b) ((a) != (b) && DISTANCE(a, b) < RANGE / 2)
#define PASSED(ticket, horizon) (DISTANCE(ticket, horizon) < RANGE / 2)
#endif

byte epoch = FIRST;
byte slots[PLACES];
bool claimed[PLACES] = true;

/* What readers find: the snapshot 0 and the context 1 at first. */
byte root = 0;
byte entry = 1;
byte fresh = 2;

/* The limbo, under the lock: the longest retired first. */
bool locked;
byte limbo[LIMIT + CONTEXTS + 1];
byte tickets[LIMIT + CONTEXTS + 1];
byte waiting;

/* Sets of objects, a bit each. */
byte retired;
byte freed;

byte running = CPUS + WRITERS;
bool died;

#define BIT(object) (1 << (object))

/* --- readers --- */

inline announce(place) {
#ifndef NO_ANNOUNCEMENT
    my_epoch = epoch;
    slots[place] = my_epoch
#else
    skip
#endif
}

inline find() {
    if
    :: object = root
    :: object = entry
    fi
}

/* The last read of a section, and its end. */
inline leave(place) {
    d_step {
        assert(object == NOTHING || !(freed & BIT(object)));
#ifndef NO_END
        slots[place] = IDLE;
#endif
        my_epoch = 0;
        object = 0
    }
}

inline sections(place) {
    do
    ::
#ifdef NO_EARLY_ANNOUNCEMENT
        find(); announce(place);
#else
        announce(place); find();
#endif
        leave(place)
    :: break
    od
}

/* Two executors on one place would end each other's sections. */
inline claim(place) {
#ifdef NO_CLAIM
    skip
#else
    atomic { !claimed[place] -> claimed[place] = true }
#endif
}

inline give_back(place) {
    atomic { claimed[place] = false; running-- }
}

proctype Staying(byte place) {
    byte my_epoch, object;
    sections(place);
    give_back(place)
}

/* Takes the place of whichever CPU has left or was evicted. */
proctype Coming(byte one, other) {
    byte my_epoch, object, place;
    if
    :: place = one
    :: place = other
    fi;
    claim(place);
    sections(place);
    give_back(place)
}

/* Stops inside a section; what it has announced stays. */
proctype Dying(byte place) {
    byte my_epoch, object;
    do
    :: announce(place); find();
        if
        :: leave(place)
        :: break
        fi
    od;
    atomic { died = true; my_epoch = 0; object = 0; running-- }
}

/* Evicts it: it runs no more, and what it read was read before. */
proctype Host(byte place) {
#ifdef NO_DEATH
    claimed[place];
#else
    died;
#endif
    slots[place] = IDLE;
    give_back(place)
}

/* --- writers --- */

inline unlink() {
    if
    :: replaces -> old = root; root = fresh; fresh++
    :: else -> old = entry; entry = NOTHING
    fi
}

inline take_ticket() {
    epoch = (epoch + STEP) % RANGE;
    assert(epoch != IDLE);
    ticket = epoch
}

inline push() {
    limbo[waiting] = old;
    tickets[waiting] = ticket;
    waiting++;
    retired = retired | BIT(old);
    assert(waiting <= LIMIT + CONTEXTS);
    old = 0;
    ticket = 0;
    replaces = false
}

/* Replaces the snapshot, or removes the context. */
inline change() {
    atomic {
        !locked -> locked = true;
        if
        :: replaces = true
        :: entry != NOTHING -> replaces = false
        fi;
        if
#ifndef NO_LIMIT
        /* An error for the caller; nothing has changed. */
        :: replaces && waiting >= LIMIT -> replaces = false; locked = false; goto changed
#endif
#ifdef NO_EARLY_UNLINKING
        :: else -> take_ticket()
#else
        :: else -> unlink()
#endif
        fi
    }
    atomic {
#ifdef NO_EARLY_UNLINKING
        unlink();
#else
        take_ticket();
#endif
        push();
        locked = false
    }
changed:
    skip
}

/* --- reclaimers --- */

inline look_at(value) {
    d_step {
        if
        :: value != IDLE && EARLIER(value, horizon) -> horizon = value
        :: else
        fi
    }
}

inline scan() {
#ifdef NO_EARLY_EPOCH
    horizon = LATEST;
#else
    horizon = epoch;
#endif
#ifndef NO_WAIT
#ifndef NO_FULL_SCAN
    look_at(slots[0]);
#endif
    look_at(slots[1]);
    look_at(slots[2]);
#endif
#ifdef NO_EARLY_EPOCH
    look_at(epoch);
#endif
}

inline drop_first() {
    waiting--;
    limbo[0] = limbo[1]; limbo[1] = limbo[2]; limbo[2] = limbo[3]; limbo[3] = 0;
    tickets[0] = tickets[1]; tickets[1] = tickets[2]; tickets[2] = tickets[3]; tickets[3] = 0
}

#ifdef NO_ORDER
#define IS_RIPE (PASSED(tickets[0], horizon) || ripe)
#else
#define IS_RIPE PASSED(tickets[0], horizon)
#endif

inline take_ripe() {
    do
    :: waiting > 0 && IS_RIPE -> ripe = ripe | BIT(limbo[0]); drop_first()
    :: else -> break
    od
}

/* Frees with the lock given back. */
inline reclaim() {
    scan();
#ifdef NO_LOCK
    take_ripe();
#else
    atomic { !locked -> take_ripe() }
#endif
    atomic {
        assert(!(freed & ripe));
        freed = freed | ripe;
        ripe = 0;
        horizon = 0
    }
}

proctype Writer() {
    byte old, ticket, horizon, ripe;
    byte changes = CHANGES;
    bool replaces;
    do
    :: changes > 0 -> change(); reclaim(); changes--
    :: else -> break
    od;
    running--
}

init {
    byte horizon, ripe;
    atomic {
        run Staying(0);
        run Staying(1);
#ifdef READING
        run Staying(2);
#endif
#ifdef LEAVING
        run Dying(2);
        run Coming(1, 2);
        run Host(2);
#endif
        run Writer();
        run Writer()
    }
    running == 0;
    reclaim();
    assert(waiting == 0 && freed == retired)
}
