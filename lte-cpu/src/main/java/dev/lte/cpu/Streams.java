package dev.lte.cpu;

/**
 * Several tiles at a time, for products whose weights come from memory. The processor reads ahead of a stream up to the end of a page of
 * 4 KiB and waits at the beginning of the next one, where it can do nothing else for long. Streams that come to their pages' ends
 * together wait together, once instead of once each: four of them multiply half as much again as one. Streams that end pages at
 * different times gain little.
 */
final class Streams {
    /** Tiles at a time. */
    static final int COUNT = 4;

    /** Page of the prefetcher, whatever the pages of the system are. */
    private static final int PAGE = 4096;

    private static final int MOST_APART = 4;

    private Streams() {}

    /** How many tiles apart from each other tiles begin at the same place of a page; 1 if none nearby do. */
    static int apart(long tileBytes) {
        for (int tiles = 1; tiles <= MOST_APART; tiles++) {
            if (tiles * tileBytes % PAGE == 0) {
                return tiles;
            }
        }
        return 1;
    }

    /** At most {@code tiles}, and a whole number of rounds if that is possible. */
    static int wholeRounds(int tiles, long tileBytes) {
        int round = COUNT * apart(tileBytes);
        return tiles < round ? tiles : tiles / round * round;
    }
}
