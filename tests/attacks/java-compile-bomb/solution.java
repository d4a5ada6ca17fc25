public class Main {
    interface Z {}
    interface N<T> {}
    interface L<T> {}
    interface Q<T> {}
    interface E<T> extends Q<N<? super Q<? super E<? super E<? super T>>>>> {}

    static Q<? super E<? super E<? super E<? super Z>>>> forever(N<? super Z> one) {
        return one;
    }

    public static void main(String[] arguments) {
        System.out.println("leaked");
    }
}
