/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * frame.pml - one block of two frames, CPUs that take, free, split, merge.
 *
 * What is checked: (1) no frame has two owners; (2) a refusal is honest:
 * during the call there was an instant at which no frame was free (a frame
 * is free from the return of its free to its claim); (3) at rest, what is
 * free can be reached from the root; (4) nobody waits for ever: no deadlock.
 *
 * The step names S (split), F (free), M (merge), U (unlist), T (take) and
 * R (refuse) are those of the comments in mm/frame*.c.
 *
 *	spin -a -DROUNDS=1 frame.pml && gcc -O2 -DSAFETY -o pan pan.c &&
 *	./pan -m300000
 *
 * Whole with two CPUs and one round each. A step left out or wrong is found
 * at that size with -DNO_EPOCH, -DHALF_EPOCH, -DNO_RECHECK, -DSET_BLINDLY.
 * -DBLIND_MERGE needs two rounds; -DNO_RELIST was not found at any size tried.
 */
#ifndef CPUS
#define CPUS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define ANY_FRAME 1
#define ANY_BLOCK 2

byte word[2];		/* the block's bits: 1 = free                       */
byte whole = 1;		/* leaf of the tree of wholly free blocks           */
byte root = ANY_BLOCK;	/* one load sees both                               */
byte moving[CPUS];	/* odd while a split, merge, list or unlist runs    */

/* Ghosts: not in the code. */
byte owner_count[2];
short free_count = 2;	/* below 0: claimed before its free returned */
bool saw_none[CPUS];
byte done = 0;

inline ghost_claimed(f)
{
	owner_count[f]++;
	assert(owner_count[f] == 1);
	free_count--;
	if
	:: free_count <= 0 ->
		saw_none[0] = true; saw_none[1] = true;
#if CPUS == 3
		saw_none[2] = true;
#endif
	:: else
	fi
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

/* Lists the block; look first, lock only when it must change. */
inline list_block()
{
	if
	:: (root & ANY_FRAME) == 0 -> root = root | ANY_FRAME
	:: else
	fi
}

/* The root's bit is made to agree with the leaf, and looked at again. */
inline settle_whole()
{
	do
	:: any = whole;
		if
		:: any == ((root & ANY_BLOCK) != 0) -> break
		:: any && !(root & ANY_BLOCK) -> root = root | ANY_BLOCK
		:: !any && (root & ANY_BLOCK) -> root = root & ~ANY_BLOCK
		fi;
#ifdef SET_BLINDLY
		break
#endif
	od;
	skip	/* a loop may not end at a d_step */
}

/* U: the block looks empty. */
inline unlist()
{
	enter();					/* U1 */
	root = root & ~ANY_FRAME;			/* U2 */
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

/* T: one frame from a split block, else S: split the whole one. */
inline take()
{
	got = 9;
	i = 0;
	do
	:: i < 2 && got == 9 ->
		d_step {				/* T2: exchange */
			if
			:: word[i] == 1 ->
				word[i] = 0; got = i; ghost_claimed(i)
			:: else
			fi
		}
		i++
	:: else -> break
	od;
	if
	:: got == 9 ->
		if
		:: (root & ANY_FRAME) -> unlist()
		:: else
		fi;
		enter();				/* S1 */
		d_step {				/* S2: claim */
			won = whole; whole = 0
		}
		if
		:: won ->
			settle_whole();			/* S3 */
			d_step { got = 0; ghost_claimed(0) }
			word[1] = 1;			/* S4 */
			list_block()			/* S5 */
		:: else
		fi;
		leave()					/* S6 */
	:: else
	fi
}

inline merge()
{
	if						/* M1: look */
	:: word[0] == 1 && word[1] == 1 ->
		enter();				/* M2 */
		won = 0;
#ifndef BLIND_MERGE
		d_step {				/* M3: first word */
			if
			:: word[0] == 1 -> word[0] = 0; won = 1
			:: else
			fi
		}
		if
		:: won ->
			d_step {			/* M3: second word */
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
			root = root & ~ANY_FRAME;	/* M5 */
			if
			:: word[0] != 0 || word[1] != 0 -> list_block()
			:: else
			fi;
#ifdef HALF_EPOCH
			leave();
#endif
			whole = 1;			/* M6 */
			settle_whole()
#ifdef HALF_EPOCH
			; enter()
#endif
		:: won == 1 ->
			word[0] = 1;			/* M4: undo */
#ifndef NO_RELIST
			list_block()
#endif
		:: else
		fi;
		leave()					/* M7 */
	:: else
	fi
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

proctype cpu(byte id)
{
	byte got, i, won, any, round = 0, odd, before, after, r;

	do
	:: round < ROUNDS ->
		round++;
		d_step { saw_none[id] = (free_count <= 0) }
again:
		take();
		if
		:: got != 9 ->
			release(got)
		:: else ->
			epochs(before, odd);		/* R1 */
			if
			:: odd -> goto again
			:: else
			fi;
			r = root;			/* R2 */
			if
			:: r != 0 -> goto again
			:: else
			fi;
			epochs(after, odd);		/* R3 */
			if
			:: after != before -> goto again
			:: else
			fi;
			assert(saw_none[id])
		fi
	:: else -> break
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
	assert(!(word[0] || word[1]) || (root & ANY_FRAME));
	assert((whole != 0) == ((root & ANY_BLOCK) != 0));
	assert(whole || word[0] + word[1] == 2)
}
