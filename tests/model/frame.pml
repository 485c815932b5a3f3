/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame.pml - one block of two frames, CPUs that take, free, split, merge.
 *
 * What is checked: (1) no frame has two owners; (2) a refusal is honest:
 * during the call there was an instant at which no frame, or not the whole
 * block, was free (a frame is free from the return of its free to its
 * claim); (3) at rest, what is free can be reached from the root, and a
 * block that is free is whole; (4) no CPU waits for ever: no deadlock.
 *
 * The step names S (split), F (free), M (merge), U (unlist), T (take) and
 * R (refuse) are those of the comments in mm/frame/*.c. A CPU asks for a
 * frame or for the block, ROUNDS times, and gives back what it got when it
 * likes.
 *
 * The block begins uninit: its words are not written yet, and they look like
 * frames. A CPU remembers the block that it refills from, and looks there
 * without asking whether it is still listed.
 *
 * One word here is one frame, so every free finds its word empty (F1); in the
 * code a word that has frames already is listed, or about to be.
 *
 *	spin -a -DROUNDS=2 frame.pml && gcc -O2 -DSAFETY -o pan pan.c &&
 *	./pan -m400000
 *
 * run.sh runs it whole with two CPUs, and with each of these mistakes, which
 * must be found: NO_EPOCH, HALF_EPOCH, NO_RECHECK, SET_BLINDLY, BLIND_MERGE,
 * MERGE_ONCE, NO_RELIST, EARLY_ROOT (R2 before R1, as a load of weaker order
 * may be), NO_THIRD_LOOK, REMEMBER_LOST (the block of a lost split).
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef FIRST		/* rounds of CPU 0 */
#define FIRST ROUNDS
#endif
#define ANY_FRAME 1
#define ANY_BLOCK 2
#define NOTHING 9

byte word[2] = 1;	/* the block's bits: 1 = free; uninit, undefined    */
bit listed = 0;		/* leaf of the tree `split`                         */
bit whole = 1;		/* leaf of the tree of wholly free blocks           */
byte root = ANY_BLOCK;	/* one load sees both                               */
byte moving[CPUS];	/* odd while a split, merge, list or unlist runs    */

/* Ghosts: not in the code. */
bit uninit = 1;
byte owner_count[2];
short free_count = 2;	/* below 0: claimed before its free returned */
byte wants[CPUS];	/* how many frames must be free for what is asked   */
bit honest[CPUS];	/* there were fewer, at some instant of the call    */
byte done = 0;

inline ghost_claimed(f)
{
	owner_count[f]++;
	assert(owner_count[f] == 1);
	free_count--;
	honest[0] = honest[0] || free_count < wants[0];
	honest[1] = honest[1] || free_count < wants[1]
#if CPUS == 3
	; honest[2] = honest[2] || free_count < wants[2]
#endif
}

inline enter()
{
#ifndef NO_EPOCH
	moving[id]++
#else
	skip
#endif
}

inline leave()
{
#ifndef NO_EPOCH
	moving[id]++
#else
	skip
#endif
}

/* The root's bit is made to agree with the leaf, and looked at again. */
inline settle(leaf, flag)
{
	do
	:: any = leaf;
		if
		:: any == ((root & flag) != 0) -> break
		:: any && !(root & flag) -> root = root | flag
		:: !any && (root & flag) -> root = root & ~flag
		fi;
#ifdef SET_BLINDLY
		break
#endif
	od;
	any = 0
}

/* Lists the block; look first, lock only when it must change. */
inline list_block()
{
	if
	:: listed == 0 ->
		d_step { won = listed; listed = 1 }
		if
		:: won == 0 -> settle(listed, ANY_FRAME)
		:: else
		fi
	:: else
	fi
}

inline unlist_block()
{
	d_step { won = listed; listed = 0 }
	if
	:: won != 0 -> settle(listed, ANY_FRAME)
	:: else
	fi
}

/* U: the block looks empty. */
inline unlist()
{
	enter();					/* U1 */
	unlist_block();					/* U2 */
#ifndef NO_RECHECK
	if						/* U3 */
	:: word[0] != 0 -> list_block()
	:: else ->
		if
		:: word[1] != 0 -> list_block()
		:: else
		fi
	fi;
#endif
	leave()						/* U4 */
}

/* T: a frame of the block; T1, the look at each word, is in T2 here. */
inline take_from()
{
	d_step {					/* T2: exchange */
		if
		:: word[0] == 1 ->
			word[0] = 0; got = 0; ghost_claimed(0)
		:: else
		fi
	}
	if
	:: got == NOTHING ->
		d_step {				/* T2: exchange */
			if
			:: word[1] == 1 ->
				word[1] = 0; got = 1; ghost_claimed(1)
			:: else
			fi
		}
	:: else
	fi;
	if
	:: got == NOTHING ->
		if
		:: listed -> unlist()
		:: else
		fi
	:: else
	fi
}

/* S: the whole one is split, its first frame is the caller's. */
inline split()
{
	enter();					/* S1 */
	d_step { won = whole; whole = 0 }		/* S2 */
	if
	:: won ->
		got = 0;
		settle(whole, ANY_BLOCK);		/* S3 */
		d_step { word[1] = 1; uninit = 0 }	/* S4 */
		d_step { word[0] = 0; ghost_claimed(0) }
		list_block();				/* S5 */
		from = 1
	:: else ->
#ifdef REMEMBER_LOST
		from = 1
#else
		skip
#endif
	fi;
	leave()						/* S6 */
}

inline take()
{
	got = NOTHING;
	if
	:: from || listed ->
		take_from();
		from = (got != NOTHING)
	:: else
	fi;
	if
	:: got == NOTHING && whole -> split()
	:: else
	fi;
	won = 0
}

/* T: the whole block. */
inline take_block()
{
	got = NOTHING;
	if
	:: whole ->
		enter();				/* T1 */
		d_step {				/* T2 */
			won = whole; whole = 0;
			if
			:: won ->
				got = 0; ghost_claimed(0); ghost_claimed(1)
			:: else
			fi
		}
		settle(whole, ANY_BLOCK);
		leave()
	:: else
	fi;
	won = 0
}

/* M2 to M7; `won` is 2 when the block is one again. */
inline close_block()
{
	enter();					/* M2 */
	won = 0;
#ifndef BLIND_MERGE
	d_step {					/* M3: first word */
		if
		:: word[0] == 1 -> word[0] = 0; won = 1
		:: else
		fi
	}
	if
	:: won ->
		d_step {				/* M3: second word */
			if
			:: word[1] == 1 -> word[1] = 0; won = 2
			:: else
			fi
		}
	:: else
	fi;
#else
	word[0] = 0; word[1] = 0; won = 2;
#endif
	if
	:: won == 2 ->
		unlist_block();				/* M5 */
		assert(word[0] == 0 && word[1] == 0);
#ifdef HALF_EPOCH
		leave();
#endif
		whole = 1;				/* M6 */
		settle(whole, ANY_BLOCK);
#ifdef HALF_EPOCH
		enter();
#endif
		won = 2
	:: won == 1 ->
		word[0] = 1;				/* M4: undo */
#ifndef NO_RELIST
		list_block();
#endif
		won = 0
	:: else
	fi;
	leave()						/* M7 */
}

/* M: again when it fails, for who came meanwhile left it to us. */
inline merge()
{
	do						/* M1: look */
	:: word[0] == 1 ->
		if
		:: word[1] == 1 -> close_block()
		:: else -> break
		fi;
		if
		:: won == 2 -> break
		:: else
		fi;
#ifdef MERGE_ONCE
		break
#endif
	:: else -> break
	od;
	won = 0
}

inline release(f)
{
	owner_count[f]--;
	enter();					/* F1 */
	d_step { assert(word[f] == 0); word[f] = 1 }	/* F2 */
	list_block();					/* F3 */
	leave();					/* F4 */
	merge();
	free_count++
}

inline release_block()
{
	d_step { owner_count[0]--; owner_count[1]-- }
	enter();					/* F1 */
	d_step { assert(whole == 0); whole = 1 }	/* F2 */
	settle(whole, ANY_BLOCK);			/* F3 */
	leave();					/* F4 */
	free_count = free_count + 2
}

/*
 * Slot by slot, each read once: with a second read for the sum, a split may
 * begin between the two and look as if it had been there, at rest, before.
 */
inline epochs(sum, odd)
{
	d_step { odd = moving[0] & 1; sum = moving[0] }
	d_step { odd = odd | (moving[1] & 1); sum = sum + moving[1] }
#if CPUS == 3
	d_step { odd = odd | (moving[2] & 1); sum = sum + moving[2] }
#endif
}

/* R: `r` is 0 when there was nothing of `mask`. */
inline refuse(mask)
{
#ifdef EARLY_ROOT
	r = root & (mask);
#endif
	epochs(before, odd);				/* R1 */
#ifndef EARLY_ROOT
	r = root & (mask);				/* R2 */
#endif
	if
	:: odd -> r = 1
	:: r == 0 && !odd ->
#ifndef NO_THIRD_LOOK
		epochs(after, odd);			/* R3 */
		if
		:: odd || after != before -> r = 1
		:: else
		fi
#else
		skip
#endif
	:: else
	fi;
	d_step { odd = 0; before = 0; after = 0 }
}

/* Until it is allocated or refused: a frame, or the whole block. */
inline ask_frame()
{
	wants[id] = 1;
	honest[id] = honest[id] || free_count < 1;
	do
	:: take();
		if
		:: got != NOTHING -> has[got] = 1; break
		:: else -> refuse(ANY_FRAME | ANY_BLOCK)
		fi;
		if
		:: r == 0 -> assert(honest[id]); break
		:: else
		fi
	od
}

inline ask_block()
{
	wants[id] = 2;
	honest[id] = honest[id] || free_count < 2;
	do
	:: take_block();
		if
		:: got != NOTHING -> has_block = 1; break
		:: else -> refuse(ANY_BLOCK)
		fi;
		if
		:: r == 0 -> assert(honest[id]); break
		:: else
		fi
	od
}

proctype cpu(byte id)
{
	byte got = NOTHING, before, after, won, r;
	byte rounds = (id == 0 -> FIRST : ROUNDS);
	bit any, odd, from = 0, has[2] = 0, has_block = 0;

	do
	:: rounds > 0 ->
		rounds--;
		if
		:: ask_frame()
		:: ask_block()
		fi;
		wants[id] = 0;
		d_step { got = NOTHING; r = 0; honest[id] = 0 }
		skip
	:: has[0] -> has[0] = 0; release(0)
	:: has[1] -> has[1] = 0; release(1)
	:: has_block -> has_block = 0; release_block()
	:: rounds == 0 && !has[0] && !has[1] && !has_block -> break
	od;
	done++
}

init {
	atomic {
		run cpu(0);
		run cpu(1);
#if CPUS == 3
		run cpu(2);
#endif
	}
	done == CPUS;
	assert(free_count == 2);
	assert(uninit || !(word[0] || word[1]) || (root & ANY_FRAME));
	assert((whole != 0) == ((root & ANY_BLOCK) != 0));
	assert(whole && (uninit || word[0] + word[1] == 0))
}
