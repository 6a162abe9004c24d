"""Each module makes one kind of fault: ``run(n, seed, folder)`` makes ``n`` of them and tells what broke."""
