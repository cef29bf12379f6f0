from versions import main

main()
