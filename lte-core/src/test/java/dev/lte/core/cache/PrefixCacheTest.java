package dev.lte.core.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PrefixCacheTest {
    private static final int SIZE = KeyValueCache.PAGE_SIZE;

    private static int[] tokens(int length, int seed) {
        int[] tokens = new int[length];
        Arrays.setAll(tokens, i -> i * 31 + seed);
        return tokens;
    }

    private static PageLease run(PrefixCache cache, int[] tokens) {
        PageLease lease = cache.open(0.5f, 0, tokens, tokens.length - 1);
        assertThat(cache.grow(lease, KeyValueCache.pagesFor(tokens.length))).isTrue();
        cache.commit(lease, tokens, tokens.length);
        return lease;
    }

    @Test
    void aSequenceThatBeginsAlikeSharesWholePages() {
        PrefixCache cache = new PrefixCache(new PagePool(20), true);
        int[] first = tokens(3 * SIZE + 5, 0);
        PageLease lease = run(cache, first);
        int[] second = first.clone();
        second[2 * SIZE + 1] = -1;
        PageLease other = cache.open(0.5f, 0, second, second.length);
        assertThat(other.shared()).isEqualTo(2);
        assertThat(other.pages()).containsExactly(Arrays.copyOf(lease.pages(), 2));
        cache.release(lease);
        cache.release(other);
        assertThat(cache.reusable()).isEqualTo(3);
        assertThat(cache.available()).isEqualTo(20);
    }

    @Test
    void theLastTokenIsNeverTakenFromTheCache() {
        PrefixCache cache = new PrefixCache(new PagePool(20), true);
        int[] tokens = tokens(2 * SIZE, 0);
        cache.release(run(cache, tokens));
        assertThat(cache.open(0.5f, 0, tokens, tokens.length - 1).shared()).isEqualTo(1);
    }

    @Test
    void thresholdsDoNotShare() {
        PrefixCache cache = new PrefixCache(new PagePool(20), true);
        int[] tokens = tokens(2 * SIZE, 0);
        cache.release(run(cache, tokens));
        assertThat(cache.open(0.6f, 0, tokens, tokens.length).shared()).isZero();
        assertThat(cache.open(0.5f, 0, tokens, tokens.length).shared()).isEqualTo(2);
    }

    @Test
    void realmsDoNotShare() {
        PrefixCache cache = new PrefixCache(new PagePool(20), true);
        int[] tokens = tokens(2 * SIZE, 0);
        cache.release(run(cache, tokens));
        assertThat(cache.open(0.5f, 1, tokens, tokens.length).shared()).isZero();
    }

    @Test
    void theLeastRecentlyUsedIsGivenUpFirstAndFromItsEnd() {
        PrefixCache cache = new PrefixCache(new PagePool(6), true);
        int[] old = tokens(3 * SIZE, 0);
        int[] recent = tokens(3 * SIZE, 7);
        cache.release(run(cache, old));
        cache.release(run(cache, recent));
        PageLease needs = cache.open(0, 0, tokens(SIZE, 9), 0);
        assertThat(cache.grow(needs, 2)).isTrue();
        assertThat(cache.open(0.5f, 0, recent, recent.length).shared()).isEqualTo(3);
        assertThat(cache.open(0.5f, 0, old, old.length).shared()).isEqualTo(1);
    }

    @Test
    void withoutMemoryOfItsOwnNothingIsKept() {
        PrefixCache cache = new PrefixCache(new PagePool(6), false);
        int[] tokens = tokens(3 * SIZE, 0);
        cache.release(run(cache, tokens));
        assertThat(cache.free()).isEqualTo(6);
        assertThat(cache.open(0.5f, 0, tokens, tokens.length).shared()).isZero();
    }

    /** Random leases: every page is free, kept or leased, no page is written by two, and a page found has the tokens asked for. */
    @Test
    void pagesAreNeverLostNorMixedUp() {
        for (long seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            int total = 4 + random.nextInt(12);
            PrefixCache cache = new PrefixCache(new PagePool(total), true);
            Map<PageLease, int[]> open = new HashMap<>();
            Map<Integer, List<Integer>> content = new HashMap<>();
            for (int step = 0; step < 300; step++) {
                if (random.nextInt(3) > 0 || open.isEmpty()) {
                    int[] tokens = new int[1 + random.nextInt(4 * SIZE)];
                    for (int i = 0; i < tokens.length; i++) {
                        tokens[i] = i % SIZE == 0 ? random.nextInt(2) : 5;
                    }
                    PageLease lease = cache.open(0, 0, tokens, tokens.length - 1);
                    for (int i = 0; i < lease.shared(); i++) {
                        assertThat(content.get(lease.page(i)))
                                .as("seed %d", seed)
                                .isEqualTo(prefix(tokens, i + 1));
                    }
                    if (cache.grow(lease, KeyValueCache.pagesFor(tokens.length))) {
                        for (int i = lease.shared(); i < lease.size(); i++) {
                            content.put(lease.page(i), prefix(tokens, i + 1));
                        }
                        open.put(lease, tokens);
                    } else {
                        cache.release(lease);
                    }
                } else {
                    PageLease lease = new ArrayList<>(open.keySet()).get(random.nextInt(open.size()));
                    int[] tokens = open.get(lease);
                    cache.commit(lease, tokens, random.nextInt(tokens.length + 1));
                    if (random.nextBoolean()) {
                        cache.release(lease);
                        open.remove(lease);
                    }
                }
                Set<Integer> leased = new HashSet<>();
                open.keySet().forEach(lease -> Arrays.stream(lease.pages()).forEach(leased::add));
                assertThat(cache.free() + cache.reusable() + leased.size())
                        .as("seed %d, step %d", seed, step)
                        .isGreaterThanOrEqualTo(total - duplicates(open.keySet()))
                        .isLessThanOrEqualTo(total);
            }
            open.keySet().forEach(cache::release);
            assertThat(cache.available()).as("seed %d", seed).isEqualTo(total);
            PageLease all = cache.open(1, 0, new int[] {1}, 0);
            assertThat(cache.grow(all, total)).as("seed %d", seed).isTrue();
            assertThat(all.pages()).doesNotHaveDuplicates().hasSize(total);
        }
    }

    /** Pages of the tree that are pinned by a lease which has a copy of its own. */
    private static int duplicates(Set<PageLease> leases) {
        int count = 0;
        for (PageLease lease : leases) {
            for (int i = 0; i < lease.shared(); i++) {
                count += lease.owns(i) ? 1 : 0;
            }
        }
        return count;
    }

    private static List<Integer> prefix(int[] tokens, int pages) {
        return Arrays.stream(tokens, 0, Math.min(tokens.length, pages * SIZE))
                .boxed()
                .toList();
    }
}
